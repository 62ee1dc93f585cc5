import { prettyFactory } from 'pino-pretty';

/** Where log lines go. `process.stdout` fits. */
export interface LineSink {
  write(line: string): unknown;
}

/** Turns JSON lines into one line for people each. Runs in this process: no worker that could lag behind at exit. */
export function textSink(sink: LineSink, colour: boolean): LineSink {
  const format = prettyFactory({
    colorize: colour,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname',
    messageKey: 'msg',
    // A message may quote what a stranger sent: control characters must not reach the terminal.
    messageFormat: (fields, key) => escapeControls(String(fields[key] ?? '')),
  });
  return { write: (line) => sink.write(format(line) ?? '') };
}

/** Control characters and line separators as visible escapes. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) =>
    char === '\t' ? ' ' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
