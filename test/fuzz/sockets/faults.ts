import { type Draft, drop, set, valuesOf } from './request.js';

/** One thing wrong with a request. */
export interface Fault {
  /** With this nothing may arrive at the upstream, whatever else is in the request. */
  readonly fatal: boolean;
  /** Whatever the request is, its answer is an error; only what is public for everybody is exempt. */
  readonly refused?: boolean;
  /** Afterwards the connection has to be given up: nobody can tell where the next request begins. */
  readonly framing?: boolean;
  /** `odd` is a text from a pool of nuisances, `foreign` a session of somebody else. */
  apply(draft: Draft, odd: string, foreign: string): void;
}

const add =
  (name: string, value?: string) =>
  (draft: Draft, odd: string): void =>
    void draft.headers.push([name, value ?? odd]);
const put =
  (name: string, value: string) =>
  (draft: Draft): void =>
    set(draft, name, value);
const fatal = (apply: Fault['apply']): Fault => ({ fatal: true, apply });
const refused = (apply: Fault['apply']): Fault => ({ fatal: true, refused: true, apply });
const odd = (apply: Fault['apply']): Fault => ({ fatal: false, apply });
const framing = (apply: Fault['apply'], isFatal = true): Fault => ({ fatal: isFatal, framing: true, apply });

const body = (draft: Draft): string => String(draft.body.length);

export const FAULTS: Readonly<Record<string, Fault>> = {
  // where it goes
  'no host': refused((draft) => drop(draft, 'host')),
  'foreign host': refused(put('host', 'evil.example')),
  'two hosts': refused(add('host', 'evil.example')),
  'host with a path': refused(put('host', '127.0.0.1/evil')),
  'foreign origin': refused(put('origin', 'https://evil.example')),
  'null origin': refused(put('origin', 'null')),
  'two origins': refused((draft) => {
    add('origin', 'http://localhost')(draft, '');
    add('origin', 'https://evil.example')(draft, '');
  }),
  'absolute form': refused((draft) => {
    draft.target = `http://evil.example${draft.target}`;
  }),
  'odd path': odd((draft, text) => {
    draft.target = `/mcp/${encodeURIComponent(text)}`;
  }),
  'encoded path': odd((draft) => {
    draft.target = draft.target.replace('/mcp', '/%6dcp');
  }),
  'path with dots': odd((draft) => {
    draft.target = `/x/..${draft.target}`;
  }),
  'two slashes': odd((draft) => {
    draft.target = `/${draft.target}`;
  }),
  'odd query': odd((draft, text) => {
    draft.target += `?${encodeURIComponent(text)}=${encodeURIComponent(text)}`;
  }),
  'long target': odd((draft) => {
    draft.target += `?${'x'.repeat(9_000)}`;
  }),
  // what it is
  'other method': refused((draft) => {
    draft.method = 'PUT';
  }),
  'no method': refused((draft) => {
    draft.method = 'post';
  }),
  'no type': fatal((draft) => drop(draft, 'content-type')),
  'plain text': fatal(put('content-type', 'text/plain')),
  'other charset': fatal(put('content-type', 'application/json;charset=utf-16')),
  'odd type': fatal(put('content-type', 'application/json\t;x')),
  form: fatal(put('content-type', 'multipart/form-data; boundary=x')),
  packed: fatal(put('content-encoding', 'gzip')),
  'accepts nothing': fatal(put('accept', 'image/png')),
  // how long it is
  'length and chunks': framing((draft) => {
    draft.framing = 'own';
    draft.headers.push(['content-length', body(draft)], ['transfer-encoding', 'chunked']);
  }),
  'two lengths': framing((draft) => {
    draft.framing = 'own';
    draft.headers.push(['content-length', body(draft)], ['content-length', String(draft.body.length + 1)]);
  }),
  'length that lies': framing((draft) => {
    draft.framing = 'own';
    draft.headers.push(['content-length', String(draft.body.length + 7)]);
  }),
  'odd length': framing((draft) => {
    draft.framing = 'own';
    draft.headers.push(['content-length', `+${body(draft)}`]);
  }),
  'odd coding': framing((draft) => {
    draft.framing = 'own';
    draft.headers.push(['transfer-encoding', 'x-chunked']);
  }),
  chunks: odd((draft) => {
    if (draft.framing === 'length') draft.framing = 'chunked';
  }),
  'bare line feeds': framing((draft) => {
    draft.eol = '\n';
  }),
  'folded header': framing((draft) => void draft.headers.push(['x-fold', 'a\r\n b'])),
  'space before the colon': framing((draft) => void draft.headers.push(['x-space ', 'a'])),
  'NUL in a header': framing((draft) => void draft.headers.push(['x-nul', 'a\0b'])),
  'second request behind': framing((draft, text) => {
    const behind = `GET /${encodeURIComponent(text)} HTTP/1.1\r\nhost: evil.example\r\n\r\n`;
    if (draft.framing === 'length') draft.headers.push(['content-length', body(draft)]);
    if (draft.framing === 'length') draft.framing = 'own';
    draft.body = Buffer.concat([draft.body, Buffer.from(behind)]);
  }, false),
  // headers of the protocol
  'odd session': refused((draft, text) => {
    if (valuesOf(draft, 'mcp-session-id').length > 0)
      set(draft, 'mcp-session-id', text.replace(/[^\x20-\x7e]/g, '') || 'x');
    else draft.method = 'PUT';
  }),
  "somebody else's session": refused((draft, _text, foreign) => {
    if (valuesOf(draft, 'mcp-session-id').length > 0) set(draft, 'mcp-session-id', foreign);
    else draft.method = 'PUT';
  }),
  'second session': odd((draft) => {
    const [own] = valuesOf(draft, 'mcp-session-id');
    if (own !== undefined) draft.headers.push(['mcp-session-id', own]);
  }),
  'other version': odd(put('mcp-protocol-version', '1999-01-01')),
  'two versions': odd(add('mcp-protocol-version', '2025-06-18')),
  'other name': odd(put('mcp-name', 'rec:delete')),
  'two names': odd(add('mcp-name', 'rec:delete')),
  'encoded name': odd(put('mcp-name', '=?base64?cmVjOmRlbGV0ZQ==?=')),
  'other mcp-method': odd(put('mcp-method', 'tools/list')),
  'two mcp-methods': odd(add('mcp-method', 'tools/list')),
  underscores: odd(add('mcp_name', 'rec:delete')),
  'odd header': odd((draft, text) => void draft.headers.push(['x-fuzz', text.replace(/[^\x20-\x7e]/g, '')])),
  'many headers': fatal((draft) => {
    for (let at = 0; at < 120; at++) draft.headers.push([`x-fuzz-${at}`, 'y']);
  }),
  'long header': framing((draft) => void draft.headers.push(['x-fuzz', 'y'.repeat(20_000)])),
  // what a client must never get through to the upstream
  'smuggled headers': odd((draft) => {
    const names = [
      'x-n8n-key',
      'X_N8N_KEY',
      'cookie',
      'proxy-authorization',
      'x-forwarded-for',
      'x-real-ip',
      'forwarded',
    ];
    draft.headers.push(...names.map((name): [string, string] => [name, 'smuggled']), ['traceparent', 'smuggled']);
  }),
  'hop by hop': odd((draft) => void draft.headers.push(['connection', 'keep-alive, x-n8n-key'], ['te', 'trailers'])),
  expect: odd(add('expect', '100-continue')),
  // who sends it
  'no token': refused((draft) => drop(draft, 'authorization')),
  'two tokens': refused((draft) => {
    const [own = ''] = valuesOf(draft, 'authorization');
    draft.headers.push(['authorization', own]);
  }),
  'token in the query': refused((draft) => {
    draft.target += `${draft.target.includes('?') ? '&' : '?'}access_token=${valuesOf(draft, 'authorization')[0]?.slice(7)}`;
  }),
  'other scheme': refused(put('authorization', 'Basic YTpi')),
  'odd token': refused((draft, text) =>
    set(draft, 'authorization', `Bearer ${text.replace(/[^\x21-\x7e]/g, '') || 'x'}`),
  ),
  'long token': refused((draft) => set(draft, 'authorization', `Bearer ${'a.b.'.repeat(2_500)}c`)),
};

export type FaultName = keyof typeof FAULTS;

/** Texts that find their way into paths, ids and headers. */
export const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '..',
    '../../etc/passwd',
    "' OR 1=1 --",
    '__proto__',
    'constructor',
    'a\0b',
    'a\r\nx-evil: 1',
    '%00',
    '%2e%2e%2f',
  ],
  ...[
    '\u202e',
    'é',
    '${env:PATH}',
    '{{7*7}}',
    '<script>',
    'rec',
    'REC',
    'rec:read',
    'g1.aaaaaa.bbbb',
    'x'.repeat(600),
    '\x1b[31m',
  ],
];
