/** How long a function takes on a machine that does other things as well: the quickest of some runs, in ms. */
export function quickest(run: () => void, runs = 10): number {
  let best = Infinity;
  for (let i = 0; i < runs; ++i) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
