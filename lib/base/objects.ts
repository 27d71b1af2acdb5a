/** What objects that users hold have besides their members: a form for util.inspect(), and for `await using`. */
import { inspect as nodeInspect, type InspectOptions } from 'node:util';

interface Stylized extends InspectOptions {
  stylize?(text: string, style: string): string;
}
type Inspect = (value: unknown, options: InspectOptions) => string;

const CUSTOM = Symbol.for('nodejs.util.inspect.custom');

/**
 * Lets console.log() and util.inspect() show what there is to know of the objects of a class: their name, and some
 * facts, behind which comes what users have put on them.
 *
 * @param facts undefined: the object is none of the class, but its prototype, and is shown as any other.
 * @param hidden own properties that are not shown.
 */
export function inspectable<T extends object>(
  prototype: T,
  facts: (object: T) => object | undefined,
  hidden: readonly string[] = [],
): void {
  // Names that begin with "_" are of ws's and of Node's emitters.
  const isShown = ([name]: [string, unknown]): boolean =>
    !name.startsWith('_') && !hidden.includes(name);
  Object.defineProperty(prototype, CUSTOM, {
    // Others than Node (chai, and with it vitest) give no function for what is inside.
    value(this: T, depth: number, options: Stylized = {}, inspect: Inspect = nodeInspect): unknown {
      const known = facts(this);
      if (known === undefined) return this;
      const name = (this.constructor as { name?: string } | undefined)?.name ?? 'Object';
      if (depth < 0) return options.stylize?.(`[${name}]`, 'special') ?? `[${name}]`;
      const left = typeof options.depth === 'number' ? options.depth - 1 : options.depth;
      const shown = { ...known, ...Object.fromEntries(Object.entries(this).filter(isShown)) };
      return `${name} ${inspect(shown, { ...options, depth: left })}`;
    },
    writable: true,
    configurable: true,
  });
}

/** Gives a class `Symbol.asyncDispose`, where there is such a symbol (Node.js 18.18 and later). */
export function disposable<T extends object>(
  prototype: T,
  end: (object: T) => Promise<void>,
): void {
  const symbol = (Symbol as { asyncDispose?: symbol }).asyncDispose;
  if (symbol === undefined) return;
  Object.defineProperty(prototype, symbol, {
    value(this: T): Promise<void> {
      return end(this);
    },
    writable: true,
    configurable: true,
  });
}
