/** What is wanted and what the other side has been told, one topic at a time and in turns. */
interface Entry {
  wanted: boolean;
  actual: boolean;
  busy: boolean;
}

export class Subscriptions {
  readonly #entries = new Map<string, Entry>();

  constructor(
    private readonly subscribe: (topic: string) => Promise<unknown>,
    private readonly unsubscribe: (topic: string) => Promise<unknown>,
  ) {}

  has(topic: string): boolean {
    return this.#entries.get(topic)?.wanted ?? false;
  }

  set(topic: string, wanted: boolean): Promise<void> {
    let entry = this.#entries.get(topic);
    if (!entry) this.#entries.set(topic, (entry = { wanted, actual: false, busy: false }));
    entry.wanted = wanted;
    return this.#settle(topic, entry);
  }

  /** Once more, what has failed before. */
  async retry(): Promise<void> {
    await Promise.all([...this.#entries].map(([topic, entry]) => this.#settle(topic, entry)));
  }

  async #settle(topic: string, entry: Entry): Promise<void> {
    if (entry.busy) return;
    entry.busy = true;
    try {
      while (entry.wanted !== entry.actual) {
        const { wanted } = entry;
        await (wanted ? this.subscribe(topic) : this.unsubscribe(topic));
        entry.actual = wanted;
      }
      if (!entry.wanted) this.#entries.delete(topic);
    } finally {
      entry.busy = false;
    }
  }
}
