import { createRequire } from 'node:module';
import type { prettyFactory as PrettyFactory } from 'pino-pretty';

/** Where log lines go. `process.stdout` fits. */
export interface LineSink {
  write(line: string): unknown;
}

/** Turns JSON lines into one line for people each. Runs in this process: no worker that could lag behind at exit. */
export function textSink(sink: LineSink, colour: boolean): LineSink {
  // Only now: most gateways log JSON, and start sooner without it.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as { prettyFactory: typeof PrettyFactory };
  const format = prettyFactory({
    colorize: colour,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    messageKey: 'msg',
    messageFormat: (fields, key) => escapeControls(String(fields[key] ?? '')),
  });
  return { write: (line) => sink.write(format(withVisibleControls(line)) ?? '') };
}

/** Control characters and line separators as visible escapes. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => (char === '\t' ? ' ' : visible(char)));
}

/**
 * A line of JSON whose texts hold no control characters when they are read, but their escapes: a line may quote what a
 * stranger sent, which must not reach the terminal. Line feeds stay: stacks have them, and are printed line by line.
 */
function withVisibleControls(line: string): string {
  return line
    .trimEnd()
    .replace(/\\(?:u([0-9a-f]{4})|(.))/gi, (whole, code: string | undefined, short: string | undefined) => {
      const char = code === undefined ? SHORT[short ?? ''] : String.fromCharCode(Number.parseInt(code, 16));
      return char !== undefined && escapeControls(char) !== char && char !== '\n' ? `\\${visible(char)}` : whole;
    })
    .replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\${visible(char)}`);
}

/** JSON's short escapes of control characters that nobody needs. */
const SHORT: Readonly<Record<string, string>> = { b: '\b', f: '\f', r: '\r' };

function visible(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
