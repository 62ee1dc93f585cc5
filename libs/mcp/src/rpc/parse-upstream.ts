import { GatewayError } from '#libs/kernel';
import { stringEquals } from '../json/bytes.js';
import { scan } from '../json/scan.js';
import { JsonView } from '../json/view.js';
import type { SingleMessage } from './envelope.js';
import { MessageFault, readMessage } from './parse-message.js';

/** Deeper than anything a client accepts, shallow enough for JSON.parse and JSON.stringify of any part. */
const MAX_DEPTH = 512;

/**
 * Reads what an upstream sent: valid JSON and a JSON-RPC message, tolerant of unknown members, repeated keys inside
 * payloads and `id: null` in errors.
 *
 * @throws GatewayError UPSTREAM_PROTOCOL with a short reason
 */
export function parseUpstreamMessage(bytes: Buffer): SingleMessage {
  const view = readJson(bytes);
  if (view.type === 'array') throw broken('a batch where one message was expected');
  return readElement(view);
}

function readJson(bytes: Buffer): JsonView {
  const view = scan(bytes, { depth: MAX_DEPTH, nodes: Number.POSITIVE_INFINITY, uniqueKeys: false });
  if (view instanceof JsonView) return view;
  throw broken(`${view.kind === 'syntax' ? 'not valid JSON: ' : ''}${view.reason} (byte ${view.offset})`);
}

function readElement(view: JsonView): SingleMessage {
  const repeated = repeatedMember(view);
  if (repeated) throw broken(`the member "${repeated}" occurs twice`);
  const message = readMessage(view);
  if (message instanceof MessageFault) throw broken(message.reason);
  return message;
}

const ENVELOPE = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];

/** Keys are compared as they are spelled, decoded only where they hold an escape. */
function repeatedMember(view: JsonView): string | undefined {
  let seen = 0;
  let repeated: string | undefined;
  view.forEachKey((start, end) => {
    for (let index = 0; index < ENVELOPE.length; index++) {
      const name = ENVELOPE[index] as string;
      if (!stringEquals(view.bytes, start, end, name)) continue;
      if (seen & (1 << index)) repeated = name;
      seen |= 1 << index;
    }
  });
  return repeated;
}

/** Says what is wrong and not what was sent: this reaches clients, and a stranger wrote the rest (T132). */
function broken(reason: string): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', `What the server sent is not an MCP message: ${reason}`);
}
