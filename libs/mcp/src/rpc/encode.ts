import { type Buffers, type Bytes, byteText } from '../bytes.js';
import type { Draft } from '../json/draft.js';

/**
 * `{"jsonrpc":"2.0","id":<idJson>,"method":…,"params":…}` as bytes. `idJson` is JSON text (a string id comes with its
 * quotes), `params` the JSON text of an object.
 */
export function encodeRequest(idJson: string | number, method: string, params?: Buffer | string): Buffer {
  return wrap(`{"jsonrpc":"2.0","id":${idJson},"method":${JSON.stringify(method)}`, ',"params":', params);
}

/** The same, its params put together while it is written. Large ones become pieces of the message. */
export function encodeDraft(idJson: string | number, method: string, params: Draft): Buffers {
  return params.between(`{"jsonrpc":"2.0","id":${idJson},"method":${JSON.stringify(method)},"params":`, '}');
}

export function encodeNotification(method: string, params?: Buffer | string): Buffer {
  return wrap(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}`, ',"params":', params);
}

/** `result` is JSON text, spliced in untouched. Bytes are not copied: they become pieces of the message. */
export function encodeResult(idJson: string | number, result: string): Buffer;
export function encodeResult(idJson: string | number, result: Bytes): Bytes;
export function encodeResult(idJson: string | number, result: Bytes | string): Bytes {
  const head = `{"jsonrpc":"2.0","id":${idJson}`;
  if (typeof result === 'string') return wrap(head, ',"result":', result);
  const begin = byteText(`${head},"result":`);
  return Buffer.isBuffer(result) ? [begin, result, '}'] : [begin, ...result, '}'];
}

/** `error` is the JSON text of the whole error object. `null`: the request's id could not be read. */
export function encodeError(idJson: string | number | null, error: Buffer | string): Buffer {
  return wrap(`{"jsonrpc":"2.0","id":${idJson}`, ',"error":', error);
}

/** JSON text of an error object. */
export function errorObject(code: number, message: string, data?: unknown): string {
  return JSON.stringify(data === undefined ? { code, message } : { code, message, data });
}

const CLOSING_BRACE = 0x7d;

function wrap(head: string, label: string, payload: Buffer | string | undefined): Buffer {
  if (payload === undefined) return Buffer.from(`${head}}`);
  if (typeof payload === 'string') return Buffer.from(`${head}${label}${payload}}`);
  const prefix = head + label;
  const size = Buffer.byteLength(prefix);
  const message = Buffer.allocUnsafe(size + payload.length + 1);
  message.write(prefix, 0, size, 'utf8');
  message.set(payload, size);
  message[size + payload.length] = CLOSING_BRACE;
  return message;
}
