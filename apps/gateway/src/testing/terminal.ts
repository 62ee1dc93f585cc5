import type { Terminal } from '../terminal.js';

/** A terminal that keeps what is written to it: a pipe 100 characters wide, unless `settings` says otherwise. */
export function recordingTerminal(
  settings: Partial<Omit<Terminal, 'out' | 'err'>> = {},
  onText: (text: string) => void = () => {},
) {
  const written = { out: '', err: '' };
  const terminal: Terminal = {
    out: (text) => {
      written.out += text;
      onText(text);
    },
    err: (text) => {
      written.err += text;
      onText(text);
    },
    outIsTty: false,
    errIsTty: false,
    inIsTty: false,
    columns: 100,
    ...settings,
  };
  return { written, terminal };
}
