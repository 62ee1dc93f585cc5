export interface SseEvent {
  /** `message` when the stream named none. */
  readonly event: string;
  readonly data: Buffer;
  readonly id?: string;
}

export interface SseHandlers {
  onEvent(event: SseEvent): void;
  onRetry?(milliseconds: number): void;
}

/**
 * Incremental server-sent-events reader over bytes (WHATWG HTML, 9.2): CR, LF and CRLF, multi-line data, comments,
 * ids without NUL, a BOM at the start, chunks cut anywhere. Empty-data events are delivered only when they carry an id.
 *
 * @throws GatewayError UPSTREAM_TOO_LARGE from `push` when one event exceeds the limit
 */
export class SseParser {
  constructor(
    readonly maxEventBytes: number,
    readonly handlers: SseHandlers,
  ) {}

  push(_chunk: Buffer): void {
    throw new Error('pending');
  }
}
