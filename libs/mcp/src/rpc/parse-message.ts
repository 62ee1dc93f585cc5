import type { JsonView } from '../json/view.js';
import type { Id, SingleMessage } from './envelope.js';

/** Longest id that is echoed and kept in maps. */
const MAX_ID_BYTES = 1024;
/** Longest method name; the longest of the protocol has 36 characters. */
const MAX_METHOD_BYTES = 256;

/** Why an object is not a JSON-RPC message. */
export class MessageFault {
  constructor(
    readonly reason: string,
    readonly idJson?: string,
  ) {}
}

/** The id of a request or response, when it is one: a string, or a number written as an integer. */
export function readId(view: JsonView | undefined): { id: Id; idJson: string } | undefined {
  if (!view || view.end - view.start > MAX_ID_BYTES) return undefined;
  const type = view.type;
  if (type !== 'string' && type !== 'number') return undefined;
  const idJson = view.text();
  if (type === 'number') return isInteger(idJson) ? { id: Number(idJson), idJson } : undefined;
  return { id: view.string() as string, idJson };
}

/** Of a JSON number: without fraction or exponent. */
function isInteger(text: string): boolean {
  for (let i = text.charCodeAt(0) === 0x2d ? 1 : 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/** JSON-RPC 2.0, section 4 and 5, as MCP narrows it: string or integer ids, params an object. */
export function readMessage(view: JsonView): SingleMessage | MessageFault {
  if (view.type !== 'object') return new MessageFault(`a JSON-RPC message is an object, this is a JSON ${view.type}`);
  const idView = view.get('id');
  const id = readId(idView);
  const fault = (reason: string) => new MessageFault(reason, id?.idJson);

  if (view.get('jsonrpc')?.string() !== '2.0') return fault('"jsonrpc" must be "2.0"');
  const method = view.get('method');
  const result = view.get('result');
  const error = view.get('error');
  const bytes = view.raw();

  if (method) {
    if (result || error) return fault('a message with "method" must not have "result" or "error"');
    if (idView && !id) return fault(badId(idView));
    if (method.type !== 'string' || method.end - method.start <= 2) return fault('"method" must be a non-empty string');
    if (method.end - method.start > MAX_METHOD_BYTES) return fault(`"method" is longer than ${MAX_METHOD_BYTES} bytes`);
    const params = view.get('params');
    if (params && params.type !== 'object') return fault(`"params" must be an object, not a JSON ${params.type}`);
    const name = method.string() as string;
    return id
      ? { kind: 'request', id: id.id, idJson: id.idJson, method: name, params, bytes, view }
      : { kind: 'notification', method: name, params, bytes, view };
  }
  if (result && error) return fault('a response has either "result" or "error", not both');
  if (!result && !error) return fault('a message needs "method", "result" or "error"');
  if (idView && !id && !(error && idView.type === 'null')) return fault(badId(idView));
  if (result && !id) return fault('a response with "result" needs the "id" of its request');
  if (error && error.type !== 'object') return fault(`"error" must be an object, not a JSON ${error.type}`);
  return id
    ? { kind: 'response', id: id.id, idJson: id.idJson, result, error, bytes, view }
    : { kind: 'response', result, error, bytes, view };
}

function badId(view: JsonView): string {
  if (view.end - view.start > MAX_ID_BYTES) return `"id" is longer than ${MAX_ID_BYTES} bytes`;
  return view.type === 'number'
    ? '"id" must be a string or an integer, without fraction or exponent'
    : `"id" must be a string or an integer, not ${view.type === 'null' ? 'null' : `a JSON ${view.type}`}`;
}
