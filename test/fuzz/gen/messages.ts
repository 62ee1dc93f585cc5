import fc from 'fast-check';
import { wounded } from './bytes.js';
import { deepJson, jsonText } from './json.js';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1' },
};
const request = (method: string, params?: object) => ({ jsonrpc: '2.0', id: 1, method, ...(params && { params }) });

/** Messages as clients send them, one of every kind. */
export const CLIENT_MESSAGES: readonly object[] = [
  request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'f', version: '1' } }),
  request('tools/list', {}),
  request('tools/list', { cursor: 'AAAA' }),
  request('tools/call', { name: 'rec:read', arguments: { a: 1, b: [true, null] } }),
  request('tools/call', { name: 'rec:read', arguments: {}, _meta: { ...META, progressToken: 7 } }),
  request('prompts/get', { name: 'rec:greet', arguments: { who: 'x' } }),
  request('resources/read', { uri: 'rec+memo://open' }),
  request('resources/subscribe', { uri: 'rec+memo://open' }),
  request('completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } }),
  request('logging/setLevel', { level: 'info' }),
  request('server/discover', { _meta: META }),
  request('subscriptions/listen', { notifications: { toolsListChanged: true }, _meta: META }),
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, reason: 'x' } },
  { jsonrpc: '2.0', id: 'q-1', result: { action: 'accept', content: { answer: 'x' } } },
  { jsonrpc: '2.0', id: 'q-1', error: { code: -32601, message: 'no' } },
];

/** The same from a server, and what only servers say. */
export const SERVER_MESSAGES: readonly object[] = [
  { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text: 'x' }], structuredContent: [1], isError: false } },
  { jsonrpc: '2.0', id: 1, result: { tools: [{ name: 'a', inputSchema: { type: 'object' } }], nextCursor: '' } },
  { jsonrpc: '2.0', id: 1, result: { resultType: 'input_required', inputRequests: { a: {} }, requestState: 's' } },
  { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'what?' } },
  {
    jsonrpc: '2.0',
    id: 2,
    method: 'elicitation/create',
    params: { message: 'm', requestedSchema: { type: 'object' } },
  },
  { jsonrpc: '2.0', id: 3, method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
  { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 0.5 } },
  { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
];

/** Ways to spell a member so that one reader takes it for the member and another does not. JSON text. */
const DISGUISES: readonly ((name: string) => string)[] = [
  (name) => JSON.stringify(name.toUpperCase()),
  (name) => JSON.stringify(name.charAt(0).toUpperCase() + name.slice(1)),
  (name) => JSON.stringify(`${name}\0`),
  (name) => JSON.stringify(`${name.slice(0, 1)}\u200b${name.slice(1)}`),
  (name) => JSON.stringify(name.replace('s', '\u017f').replace('k', '\u212a')),
  (name) => `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`,
  (name) => JSON.stringify(name),
];
const MEMBERS = {
  envelope: ['method', 'id', 'params', 'jsonrpc', 'result'],
  params: ['name', 'arguments', 'uri', '_meta', 'cursor', 'requestState'],
  meta: ['progressToken', 'io.modelcontextprotocol/protocolVersion', 'io.modelcontextprotocol/clientCapabilities'],
};

/** A call with one member more, which is another one's double or looks like it. */
export const disguised: fc.Arbitrary<Buffer> = fc
  .constantFrom<keyof typeof MEMBERS>('envelope', 'params', 'meta')
  .chain((place) =>
    fc.record({
      place: fc.constant(place),
      member: fc.constantFrom(...MEMBERS[place]),
      disguise: fc.constantFrom(...DISGUISES),
      value: fc.constantFrom('"rec:delete"', '"tools/list"', '{}', '7', 'null'),
      first: fc.boolean(),
    }),
  )
  .map(({ place, member, disguise, value, first }) => {
    const extra = `${disguise(member)}:${value}`;
    const at = (here: string, own: string) => {
      if (place !== here) return own;
      if (own === '') return extra;
      return first ? `${extra},${own}` : `${own},${extra}`;
    };
    const meta = `"_meta":{${at('meta', '')}}`;
    const params = `"params":{${at('params', `"name":"rec:read","arguments":{"a":1},${meta}`)}}`;
    return Buffer.from(`{${at('envelope', `"jsonrpc":"2.0","id":1,"method":"tools/call",${params}`)}}`);
  });

const PIECES = [
  '"id":1,',
  '"method":"tools/call",',
  '"name":"evil",',
  '"\\u006eame":"evil",',
  '"_meta":[],',
  '"Name":"evil",',
];

/** Messages of these kinds with wounds, a batch of them, JSON that is no message, and worse. */
export function messageBytes(good: readonly object[]): fc.Arbitrary<Buffer> {
  const one = fc.constantFrom(...good).map((message) => JSON.stringify(message));
  const batch = fc.array(one, { maxLength: 3 }).map((messages) => `[${messages.join(',')}]`);
  const around = fc.tuple(fc.constantFrom('params', '_meta', 'result', 'error', 'id', 'method'), jsonText);
  const odd = around.map(([key, value]) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","${key}":${value}}`);
  const inside = around.map(([key, value]) => `{"jsonrpc":"2.0","id":1,"method":"x","params":{"${key}":${value}}}`);
  const text = fc.oneof(
    { weight: 6, arbitrary: one },
    { weight: 1, arbitrary: batch },
    { weight: 3, arbitrary: odd },
    { weight: 3, arbitrary: inside },
    { weight: 2, arbitrary: jsonText },
    { weight: 1, arbitrary: deepJson },
  );
  const hurt = wounded(
    text.map((it) => Buffer.from(it)),
    PIECES,
  );
  return fc.oneof({ weight: 5, arbitrary: hurt }, { weight: 1, arbitrary: disguised });
}
