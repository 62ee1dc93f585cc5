import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { correlationId, GatewayError, saneTraceparent } from '#libs/kernel';
import {
  checkParamHeaders,
  decodeHeaderValue,
  encodeHeaderValue,
  headerEquals,
  JsonView,
  paramHeaderValues,
  scanParamHeaders,
  stripParamHeaders,
} from '#libs/mcp';
import { HostPolicy } from '../../../libs/downstream/src/http/host-policy.js';
import { acceptedTypes, checkContentType } from '../../../libs/downstream/src/http/post-headers.js';
import { RemoteAddresses } from '../../../libs/downstream/src/http/remote-address.js';
import { woundedText } from '../gen/bytes.js';
import { jsonValue } from '../gen/json.js';
import { readStrictly } from '../strict-json.js';
import { inProcess, must, type Target } from '../target.js';

const ENCODED = [
  'read',
  '=?base64?cmVhZA==?=',
  '=?base64??=',
  '=?BASE64?cmVhZA==?=',
  ' read\t',
  'Exécute',
  '42.0',
  'true',
];
const raw = fc.oneof(woundedText(fc.constantFrom(...ENCODED), ['=?base64?', '?=', '=']), fc.string({ unit: 'binary' }));

/** Whatever a body says can be said in a header, and nothing in a header is read as what it is not. */
function checkValue([value, header]: [string, string]): boolean {
  const encoded = encodeHeaderValue(value);
  must(
    /^[\x20-\x7e\t]+$/.test(encoded) && encoded.trim() === encoded,
    () => `no header value: ${JSON.stringify(encoded)}`,
  );
  const wellFormed = Buffer.from(value).toString();
  must(decodeHeaderValue(encoded) === wellFormed, 'came back as something else');
  must(headerEquals(encoded, wellFormed), 'is not equal to itself');
  const decoded = decodeHeaderValue(header);
  if (decoded !== undefined) must(headerEquals(header, decoded), 'decoded, but not equal');
  return decoded !== undefined;
}

const property = fc.record(
  {
    type: fc.constantFrom('string', 'integer', 'boolean', 'number', 'object', 1, null),
    'x-mcp-header': fc.constantFrom('Region', 'region', 'Count', 'a b', '', 'x\r\ny', 7, 'Authorization', 'é'),
    properties: fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), jsonValue, { maxKeys: 2, noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const fine = fc.constantFrom(
  ...[{ type: 'string', 'x-mcp-header': 'Region' }, { type: 'integer', 'x-mcp-header': 'Count' }, { type: 'boolean' }],
  { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'Deep' } } },
);
const node = fc.oneof(
  { weight: 9, arbitrary: fine },
  { weight: 2, arbitrary: property },
  { weight: 1, arbitrary: jsonValue },
);
const schema = fc.record(
  {
    type: fc.constantFrom('object', 'array'),
    properties: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'properties'), node, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    items: node,
    anyOf: fc.array(node, { maxLength: 2 }),
    $defs: fc.dictionary(fc.constantFrom('d', 'e'), node, { maxKeys: 2, noNullPrototype: true }),
  },
  { requiredKeys: ['properties'], noNullPrototype: true },
);
const calls = fc.record({
  schema,
  args: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), jsonValue, { maxKeys: 4, noNullPrototype: true }),
  headers: fc.dictionary(fc.constantFrom('mcp-param-region', 'mcp-param-count'), raw, {
    maxKeys: 2,
    noNullPrototype: true,
  }),
});

/** What a schema declares can be sent, and is believed only as long as it agrees with the arguments. */
function checkParams(call: { schema: object; args: object; headers: Record<string, string> }): boolean {
  const bytes = Buffer.from(JSON.stringify(call.schema));
  const { headers, fault } = scanParamHeaders(JsonView.of(bytes));
  must(fault === undefined || headers.size === 0, 'declarations in spite of a fault');
  for (const [key, { name }] of headers) {
    must(key === name.toLowerCase() && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name), `no header name: ${name}`);
  }
  must(readStrictly(stripParamHeaders(bytes)) !== undefined, 'no JSON without the declarations');
  const args = JsonView.of(Buffer.from(JSON.stringify(call.args)));
  const values = paramHeaderValues(args, headers);
  for (const value of Object.values(values)) must(!/[^\x20-\x7e\t]/.test(value), () => `no header value: ${value}`);
  const lower = Object.fromEntries(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
  must(checkParamHeaders(args, headers, lower) === undefined, 'what we would send we would not take');
  checkParamHeaders(args, headers, call.headers);
  return headers.size > 0;
}

const policy = new HostPolicy({
  url: 'https://gw.example:8443',
  host: '0.0.0.0',
  allowed_hosts: ['other.example'],
  cors: { allowed_origins: ['https://app.example'] },
});
const remote = new RemoteAddresses(['10.0.0.0/8', 'nonsense', '::1']);
const requests = fc.record({
  host: woundedText(fc.constantFrom('gw.example', 'gw.example:8443', 'OTHER.example:1'), [
    '.evil.example',
    '@',
    ':',
    '#',
    '/',
  ]),
  origin: woundedText(fc.constantFrom('https://app.example', 'null', 'https://ok.example'), [
    '.evil.com',
    '@',
    ':443',
    '/',
  ]),
  accept: woundedText(fc.constantFrom('application/json, text/event-stream', '*/*;q=0.1', ''), [
    ';q=',
    'q=NaN',
    ',',
    '*/*',
  ]),
  type: woundedText(fc.constantFrom('application/json', 'application/json; charset=utf-8'), [
    '; charset=utf-16',
    '\t;x',
    '+xml',
  ]),
  forwarded: woundedText(fc.constantFrom('1.2.3.4, 10.0.0.1', '::1', 'unknown'), [',', '10.0.0.9', 'javascript:', '"']),
  trace: woundedText(fc.constantFrom(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, `ff-${'0'.repeat(32)}-1-1`), [
    '\n',
    '00',
  ]),
});
type Heads = typeof requests extends fc.Arbitrary<infer T> ? T : never;

function checkHeads({ host, origin, accept, type, forwarded, trace }: Heads): boolean {
  const allowed = policy.allowsHost(host);
  if (allowed) must(/^(gw\.example|other\.example)(:\d{1,5})?$/i.test(host), () => `the host ${JSON.stringify(host)}`);
  must(
    policy.allowsOrigin(origin) === (origin === 'https://app.example'),
    () => `the origin ${JSON.stringify(origin)}`,
  );
  const { json, stream, streamFirst } = acceptedTypes(accept);
  must(!streamFirst || (json && stream), 'prefers what it does not take');
  if (isJson(type))
    must(/^application\/json[\t ]*(;[\t ]*charset="?utf-8"?[\t ]*)?$/i.test(type), () => `the type ${type}`);
  const request = (peer: string) =>
    ({ socket: { remoteAddress: peer }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;
  must(remote.of(request('192.0.2.1')) === '192.0.2.1', 'believed a stranger about where he is from');
  must(/^[0-9a-f.:]+$/i.test(remote.of(request('10.0.0.1'))), 'an address that is none');
  const sane = saneTraceparent(trace);
  must(sane === undefined || /^[\da-f-]{55}$/.test(sane), () => `the trace ${JSON.stringify(sane)}`);
  must(/^[\w.-]{8,128}$/.test(correlationId(trace, trace)), 'an id that does not fit into a log line');
  return allowed;
}

function isJson(type: string): boolean {
  try {
    checkContentType({ 'content-type': type });
    return true;
  } catch (thrown) {
    must(thrown instanceof GatewayError && thrown.code === 'UNSUPPORTED_MEDIA_TYPE', () => `threw ${thrown}`);
    return false;
  }
}

export const HEADER_TARGETS: readonly Target[] = [
  inProcess('header-values', 8, fc.tuple(fc.oneof(raw, fc.string({ unit: 'grapheme' })), raw), checkValue),
  inProcess('param-headers', 6, calls, checkParams),
  inProcess('request-heads', 10, requests, checkHeads),
];
