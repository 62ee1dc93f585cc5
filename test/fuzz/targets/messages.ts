import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { GatewayError } from '#libs/kernel';
import { EnvelopeError, parseClientMessage, parseUpstreamMessage, type SingleMessage } from '#libs/mcp';
import { CLIENT_MESSAGES, messageBytes, SERVER_MESSAGES } from '../gen/messages.js';
import { readStrictly } from '../strict-json.js';
import { inProcess, must, type Target } from '../target.js';

const LIMITS = { depth: 64, nodes: 2_000 };
type Json = Record<string, unknown>;

/** Members that decide where a message goes and what it does. */
const DECIDING = {
  envelope: ['jsonrpc', 'id', 'method', 'params', 'result', 'error'],
  params: ['name', 'arguments', 'uri', 'cursor', '_meta', 'ref', 'argument', 'requestState', 'inputResponses'],
  meta: ['progressToken', 'io.modelcontextprotocol/protocolVersion', 'io.modelcontextprotocol/clientCapabilities'],
};

function checkClient(bytes: Buffer): boolean {
  let message: ReturnType<typeof parseClientMessage>;
  try {
    message = parseClientMessage(bytes, LIMITS);
  } catch (thrown) {
    must(thrown instanceof EnvelopeError, () => `threw ${thrown}`);
    checkText(thrown.message);
    return false;
  }
  const strict = readStrictly(bytes);
  must(strict !== undefined && !strict.repeats, 'took what is ambiguous, or no JSON at all');
  if (message.kind !== 'batch') {
    checkAgrees(message, strict.value as Json);
    return true;
  }
  must(Array.isArray(strict.value) && strict.value.length === message.items.length, 'another number of messages');
  for (const [at, item] of message.items.entries()) {
    if (item instanceof GatewayError) checkText(item.message);
    else checkAgrees(item, strict.value[at] as Json);
  }
  return true;
}

/** What was understood is what the bytes say, and nothing beside it could be understood differently. */
function checkAgrees(message: SingleMessage, value: Json): void {
  must(value['jsonrpc'] === '2.0', 'another version of JSON-RPC');
  if ('id' in message) {
    must(Object.is(message.id, value['id']) || value['id'] === null, 'another id');
    if (message.idJson !== undefined)
      must(isDeepStrictEqual(JSON.parse(message.idJson), value['id']), 'another id spelled');
  }
  noDisguise(value, DECIDING.envelope);
  if (message.kind === 'response') {
    must(!('method' in value), 'a response with a method');
    must(isDeepStrictEqual(message.result?.value(), value['result']), 'another result');
    return;
  }
  must(message.method === value['method'] && message.method !== '', 'another method');
  must(isDeepStrictEqual(message.params?.value(), value['params']), 'other params');
  const params = value['params'] as Json | undefined;
  if (!params) return;
  noDisguise(params, DECIDING.params);
  const meta = params['_meta'];
  must(
    meta === undefined || (typeof meta === 'object' && meta !== null && !Array.isArray(meta)),
    'a _meta of another type',
  );
  if (meta) noDisguise(meta as Json, DECIDING.meta);
}

function noDisguise(object: Json, members: readonly string[]): void {
  for (const key of Object.keys(object)) {
    const folded = fold(key);
    const member = members.find((it) => it.toLowerCase() === folded);
    must(member === undefined || key === member, () => `${JSON.stringify(key)} passes beside ${member}`);
  }
}

const fold = (key: string): string =>
  key
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .toUpperCase()
    .toLowerCase();

function checkUpstream(bytes: Buffer): boolean {
  let message: SingleMessage;
  try {
    message = parseUpstreamMessage(bytes);
  } catch (thrown) {
    must(thrown instanceof GatewayError && thrown.code === 'UPSTREAM_PROTOCOL', () => `threw ${thrown}`);
    checkText(thrown.message);
    return false;
  }
  const strict = readStrictly(bytes);
  must(strict !== undefined, 'took what is not JSON');
  const value = strict.value as Json;
  must(value['jsonrpc'] === '2.0', 'another version of JSON-RPC');
  if (message.kind === 'response') must(isDeepStrictEqual(message.result?.value(), value['result']), 'another result');
  else must(message.method === value['method'], 'another method');
  return true;
}

/** Fit for a log line: one line, and not as long as what was sent. */
function checkText(message: string): void {
  must(message.length < 1_000, `a message of ${message.length} characters`);
  must(!/\p{Cc}/u.test(message), () => `control characters in ${JSON.stringify(message)}`);
}

export const MESSAGE_TARGETS: readonly Target[] = [
  inProcess('client-messages', 26, messageBytes(CLIENT_MESSAGES), checkClient),
  inProcess(
    'server-messages',
    12,
    fc.oneof(messageBytes(SERVER_MESSAGES), messageBytes(CLIENT_MESSAGES)),
    checkUpstream,
  ),
];
