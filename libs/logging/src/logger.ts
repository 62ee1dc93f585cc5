import { type Logger, pino } from 'pino';
import { maskSecrets, sourceStack, visibleJson } from '#libs/kernel';
import { boundedLine } from './bounded-line.js';
import { REDACTED_PATHS, REDACTED_TEXT } from './redaction.js';
import { type LineSink, textSink } from './text-format.js';

export interface LoggerOptions {
  /** trace | debug | info | warn | error | fatal | silent */
  readonly level: string;
  readonly format: 'json' | 'text';
  readonly sink: LineSink;
  /** Longest line in characters; longer ones are cut. */
  readonly maxLine?: number;
  /** Colours in text format. */
  readonly colour?: boolean;
}

/** The gateway's logger; it is a `Log` as it stands. Hand out this one and no children: only its level follows reloads. */
export type GatewayLogger = Logger;

/** A logger of its own per call: nothing is shared between two gateways in one process. */
export function createLogger(options: LoggerOptions): GatewayLogger {
  const sink = options.format === 'text' ? textSink(options.sink, options.colour ?? false) : options.sink;
  return pino(
    {
      level: options.level,
      serializers: { err: errorWithSources },
      redact: { paths: [...REDACTED_PATHS], censor: REDACTED_TEXT },
      // Last, so that a secret in any field, and in what a stranger said, is found.
      hooks: { streamWrite: (line) => visibleJson(maskSecrets(boundedLine(line, options.maxLine))) },
    },
    { write: (line) => void sink.write(line) },
  );
}

function errorWithSources(thrown: Error): unknown {
  const told = pino.stdSerializers.err(thrown);
  if (typeof told?.stack === 'string') told.stack = sourceStack(told.stack);
  return told;
}
