/** What a command may know of the world: where to write, and whether a person sits in front of it. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Standard output is a terminal. */
  readonly outIsTty: boolean;
  /** Standard error is a terminal: what is drawn there can be drawn over. */
  readonly errIsTty: boolean;
  /** Standard input is a terminal: questions can be asked. */
  readonly inIsTty: boolean;
  /** Characters per line. */
  readonly columns: number;
}

/** The process's own standard streams. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outIsTty: process.stdout.isTTY === true,
    errIsTty: process.stderr.isTTY === true,
    inIsTty: process.stdin.isTTY === true,
    // A pseudo-terminal nobody gave a size says 0.
    columns: process.stdout.columns || 160,
  };
}

/** Colour is for terminals whose owner did not refuse it (https://no-color.org). */
export function wantsColour({ outIsTty }: Pick<Terminal, 'outIsTty'>): boolean {
  return outIsTty && !process.env['NO_COLOR'];
}
