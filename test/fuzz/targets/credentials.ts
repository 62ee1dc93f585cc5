import fc from 'fast-check';
import { presented } from '../../../libs/auth/src/presented.js';
import { forwardedHeaderFlaw } from '../../../libs/config/src/fields/formats.js';
import { forwarding } from '../../../libs/upstream/src/credentials/forwarded-headers.js';
import { nameProblem, valueProblem } from '../../../libs/upstream/src/credentials/header-rules.js';
import { woundedText } from '../gen/bytes.js';
import { inProcess, must, type Target } from '../target.js';

const LONGEST = 8_192;
const VALUES = [
  'Bearer abc.def.ghi',
  'bearer  x',
  'Bearer',
  'Basic YTpi',
  'DPoP x',
  'Bearer a b',
  'Bearer é',
  `Bearer ${'x'.repeat(9_000)}`,
];
const requests = fc.record({
  values: fc.array(woundedText(fc.constantFrom(...VALUES), ['Bearer ', ' ', ',', '\t', '=', '"']), { maxLength: 3 }),
  name: fc.constantFrom('authorization', 'Authorization', 'AUTHORIZATION'),
  url: woundedText(fc.constantFrom('/mcp', '/mcp?x=1', '/mcp?access_token=abc'), [
    'access_token=',
    '?',
    '&',
    '%61ccess_token=',
    '#',
    ';',
  ]),
  type: fc.constantFrom(
    undefined,
    'application/json',
    'application/x-www-form-urlencoded',
    ' APPLICATION/x-www-form-urlencoded;a',
  ),
});
type Request = typeof requests extends fc.Arbitrary<infer T> ? T : never;

/** A token counts only when it is the one credential, in the header, and in one piece. */
function checkPresented({ values, name, url, type }: Request): boolean {
  const [first] = values;
  const outcome = presented(
    {
      headers: { ...(first !== undefined && { authorization: first }), ...(type && { 'content-type': type }) },
      rawHeaders: values.flatMap((value) => [name, value]),
      remoteAddress: '127.0.0.1',
      url,
    },
    LONGEST,
  );
  if (outcome.kind !== 'bearer') return false;
  must(values.length === 1, 'took one of several credentials');
  must(
    !new URLSearchParams(url.split('#')[0]?.split('?').slice(1).join('?')).has('access_token'),
    'took a token beside one in the URL',
  );
  const { token } = outcome.bearer;
  must(/^[\x21-\x7e]+$/.test(token) && token.length <= LONGEST, () => `took ${JSON.stringify(token)}`);
  must(
    (first ?? '').endsWith(token) && /^bearer +$/i.test((first ?? '').slice(0, -token.length)),
    'took something else',
  );
  return true;
}

const FORBIDDEN = [
  'host',
  'cookie',
  'authorization',
  'mcp-session-id',
  'x-forwarded-for',
  'proxy-authorization',
  'te',
  'dpop',
];
const names = fc.oneof(
  woundedText(fc.constantFrom(...FORBIDDEN, 'x-tenant', 'x-api-key'), ['_', '-', ' ', ':', '\r\n']),
  fc
    .tuple(fc.constantFrom(...FORBIDDEN), fc.constantFrom('_', '-', 'UP'))
    .map(([name, how]) => (how === 'UP' ? name.toUpperCase() : name.replaceAll('-', how))),
);
const headers = fc.record({
  name: names,
  value: fc.oneof(
    woundedText(fc.constantFrom('value', 'a b'), ['\r\nx: y', '\0', '\u0100']),
    fc.string({ unit: 'binary' }),
  ),
});

/** What may be set or forwarded is a header of nobody else's, with a value that stays one line. */
function checkHeader({ name, value }: { name: string; value: string }): boolean {
  const plain = name.toLowerCase().replaceAll('_', '-');
  const forwarded = forwardedHeaderFlaw(name) === undefined;
  if (forwarded) must(!FORBIDDEN.includes(plain), () => `forwards ${name}`);
  if (nameProblem(name) === undefined) {
    must(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name), () => `no header name: ${JSON.stringify(name)}`);
    must(!/^(host|te|mcp-.*|x-forwarded-.*|proxy-.*)$/.test(plain), () => `sets ${name}`);
  }
  const fits = valueProblem(value) === undefined;
  if (fits)
    must(/^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(value), () => `no header value: ${JSON.stringify(value)}`);
  const found = forwarding(['x-tenant'])?.({ 'x-tenant': value, x_tenant: 'other', [name]: value });
  for (const [key, sent] of Object.entries(found ?? {})) {
    must(key === 'x-tenant' && !/[\r\n\0]/.test(sent), () => `forwards ${JSON.stringify([key, sent])}`);
  }
  return fits && forwarded;
}

export const CREDENTIAL_TARGETS: readonly Target[] = [
  inProcess('credentials', 8, requests, checkPresented),
  inProcess('upstream-headers', 8, headers, checkHeader),
];
