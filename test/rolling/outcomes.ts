/** What became of things of one kind: each outcome and how often it was seen. */
export class Outcomes<Kind extends string> {
  readonly #seen = new Map<string, Map<string, number>>();

  add(kind: Kind, outcome: string): void {
    const row = this.#seen.get(kind) ?? new Map<string, number>();
    row.set(outcome, (row.get(outcome) ?? 0) + 1);
    this.#seen.set(kind, row);
  }

  /** Every kind with the outcomes that were seen of it, in alphabetical order. */
  table(): Record<string, string[]> {
    return Object.fromEntries([...this.#seen].map(([kind, row]) => [kind, [...row.keys()].sort()]));
  }

  toString(): string {
    const lines = [...this.#seen].map(([kind, row]) => {
      const counts = [...row].map(([outcome, count]) => `${outcome} ${count}`);
      return `${kind}: ${counts.join(', ')}`;
    });
    return lines.join('\n');
  }
}
