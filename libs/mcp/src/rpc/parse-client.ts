import { type ScanFault, scan } from '../json/scan.js';
import { JsonView } from '../json/view.js';
import { type BatchMessage, EnvelopeError, type Message, type MessageLimits, type SingleMessage } from './envelope.js';
import { MessageFault, readId, readMessage } from './parse-message.js';
import { type Disguise, findDisguise } from './protocol-members.js';

/** Most messages in one batch. */
export const MAX_BATCH = 1000;

/**
 * Reads what a client sent, strictly: one pass, repeated keys and protocol members in escaped, case-folded or
 * control-character disguise refused. Protocol members are those of the envelope, of params and of `_meta`. Ids are
 * strings or integers, params an object (arrays are refused: MCP defines none). Elements of a batch are judged one by
 * one; the limits, and the ban on repeated keys, apply to the body as a whole.
 *
 * @throws EnvelopeError PARSE_ERROR for what is not JSON (or repeats a key), INVALID_REQUEST for what is not a JSON-RPC
 *   message or is over a limit, INVALID_PARAMS for a `_meta` that is not an object
 */
export function parseClientMessage(bytes: Buffer, limits: MessageLimits): Message {
  const view = scan(bytes, { depth: limits.depth, nodes: limits.nodes, uniqueKeys: true });
  if (!(view instanceof JsonView)) throw refusal(bytes, view);
  if (view.type === 'array') return readBatch(view);
  const message = readStrictly(view);
  if (message instanceof EnvelopeError) throw message;
  return message;
}

function readBatch(view: JsonView): BatchMessage {
  const elements: JsonView[] = [];
  let count = 0;
  view.forEachItem((item) => {
    if (++count <= MAX_BATCH) elements.push(item);
  });
  if (count === 0) throw new EnvelopeError('INVALID_REQUEST', 'The batch is empty', undefined);
  if (count > MAX_BATCH) {
    throw new EnvelopeError(
      'INVALID_REQUEST',
      `The batch has ${count} messages; at most ${MAX_BATCH} are accepted`,
      undefined,
    );
  }
  return { kind: 'batch', items: elements.map(readStrictly) };
}

function readStrictly(view: JsonView): SingleMessage | EnvelopeError {
  const disguise = findDisguise(view, 'envelope');
  if (disguise) return disguised(view, 'the message', disguise);
  const message = readMessage(view);
  if (message instanceof MessageFault) {
    return new EnvelopeError('INVALID_REQUEST', `Not a JSON-RPC message: ${message.reason}`, message.idJson);
  }
  if (message.kind === 'response' || !message.params) return message;
  const inParams = findDisguise(message.params, 'params');
  if (inParams) return disguised(view, 'params', inParams);
  const meta = message.params.get('_meta');
  if (!meta) return message;
  if (meta.type !== 'object') {
    const reason = `params._meta must be an object, not a JSON ${meta.type}`;
    return new EnvelopeError('INVALID_PARAMS', reason, message.kind === 'request' ? message.idJson : undefined);
  }
  const inMeta = findDisguise(meta, 'meta');
  return inMeta ? disguised(view, 'params._meta', inMeta) : message;
}

function disguised(view: JsonView, where: string, { offset, member }: Disguise): EnvelopeError {
  const reason = `A key in ${where} (byte ${offset}) can be mistaken for "${member}" but is spelled differently`;
  return new EnvelopeError('INVALID_REQUEST', reason, onlyId(view));
}

function refusal(bytes: Buffer, fault: ScanFault): EnvelopeError {
  const { kind, reason, offset } = fault;
  switch (kind) {
    case 'depth':
      return new EnvelopeError(
        'INVALID_REQUEST',
        `The message has ${reason} at byte ${offset} (limit: server.limits.json_depth)`,
        idDespite(bytes),
        { data: { key: 'server.limits.json_depth' } },
      );
    case 'nodes':
      return new EnvelopeError(
        'INVALID_REQUEST',
        `The message has ${reason} (at byte ${offset}; limit: server.limits.json_nodes)`,
        idDespite(bytes),
        { data: { key: 'server.limits.json_nodes' } },
      );
    case 'duplicate':
      return new EnvelopeError('PARSE_ERROR', `Ambiguous JSON: ${reason} (byte ${offset})`, idDespite(bytes));
    case 'syntax':
      return new EnvelopeError('PARSE_ERROR', `Not valid JSON: ${reason} (byte ${offset})`, undefined);
  }
}

/** The id of a message that is refused for its shape alone, so that its sender learns which of its requests it was. */
function idDespite(bytes: Buffer): string | undefined {
  const view = scan(bytes, { depth: bytes.length, nodes: bytes.length, uniqueKeys: false });
  return view instanceof JsonView ? onlyId(view) : undefined;
}

/** The id, unless the message has several keys that could be it. */
function onlyId(view: JsonView): string | undefined {
  let candidates = 0;
  view.forEachKey((start, end) => {
    const key = new JsonView(view.bytes, start, end).string();
    if (key?.toLowerCase() === 'id') candidates++;
  });
  return candidates === 1 ? readId(view.get('id'))?.idJson : undefined;
}
