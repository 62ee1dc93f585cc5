import fc from 'fast-check';
import { exposedName, exposeUri, hasScheme, isHttpUri, MAX_URI_LENGTH, matchesTemplate, splitUri } from '#libs/mcp';
import { woundedText } from '../gen/bytes.js';
import { inProcess, must, type Target } from '../target.js';

const SERVERS = ['n8n', 'a', 'a-server-with-a-name-of-thirty', 'x1'];
const NAMES = [
  'read',
  'a:b:c',
  'Exécute',
  'Exe\u0301cute',
  'n8n:read',
  'read\u0000',
  '__proto__',
  '../../etc',
  'a'.repeat(300),
];
const URIS = [
  'file:///a/b',
  'ui://x/y',
  'memo://notes/1?q=2#f',
  'n8n+file:///a',
  'ui://n8n+x/y',
  'http://169.254.169.254/',
  'urn:x',
];
const TEMPLATES = [
  'memo://notes/{id}',
  'file:///{+path}',
  'x://{a}{/b*}{?c,d}{&e}{#f}',
  'x://{a}{b}{c}',
  'x:{;p*}',
  '{+all}',
];

const anyName = fc.oneof(woundedText(fc.constantFrom(...NAMES)), fc.string({ unit: 'binary' }));
const anyUri = fc.oneof(
  woundedText(fc.constantFrom(...URIS), ['+', '://', '%2e%2e', '@', '#']),
  fc.string(),
  fc.webUrl(),
);
const spelling = fc.record({
  separator: fc.constantFrom(':', '__', '.', '-', ''),
  maxLength: fc.constantFrom(0, 6, 40, 64, 128),
});

/** A client sees nothing in a name that it cannot take, and no two servers under one name. */
function checkName([name, server, how]: [string, string | null, { separator: string; maxLength: number }]): undefined {
  const exposed = exposedName(server, name, how);
  must(exposed.length <= how.maxLength, `${exposed.length} characters`);
  must(!/[\p{Cc}\p{Cf}\p{Cs}]/u.test(exposed), () => `invisible characters in ${JSON.stringify(exposed)}`);
  must(exposedName(server, name, how) === exposed, 'another name the second time');
  if (server !== null && how.maxLength >= 64)
    must(exposed.startsWith(server + how.separator), `lost its server: ${exposed}`);
}

function checkUri([uri, server]: [string, string]): boolean {
  const back = splitUri(exposeUri(server, uri));
  must(uri === '' || (back?.server === server && back.uri === uri), () => `came back as ${JSON.stringify(back)}`);
  must(hasScheme(uri) === /^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri), `hasScheme says ${hasScheme(uri)}`);
  must(isHttpUri(uri) === /^https?:\/\//i.test(uri), `isHttpUri says ${isHttpUri(uri)}`);
  const apart = splitUri(uri);
  if (apart) must(exposeUri(apart.server, apart.uri) === uri, 'two URIs are one');
  return apart !== undefined;
}

const templates = fc.record({
  template: fc.oneof(
    woundedText(fc.constantFrom(...TEMPLATES), ['{', '}', '{+x}', '{a*}', '{/a,b,c*}', '{?', '{}', '{!x}']),
    fc.array(fc.constantFrom('{+a}', '{/a*}', 'a', '/', 'x:', '{b}', '{?q}')).map((parts) => parts.join('')),
  ),
  uri: fc.oneof(
    anyUri,
    fc.array(fc.constantFrom('a', '/', 'x:', '?q=1', '#')).map((parts) => parts.join('')),
  ),
  times: fc.constantFrom(1, 1, 1, 400),
});

function checkTemplate({ template, uri, times }: { template: string; uri: string; times: number }): boolean {
  const long = uri.repeat(times);
  const matches = matchesTemplate(template, long);
  must(!(matches && long.length > MAX_URI_LENGTH), 'matched a URI that is too long');
  if (!/[{}]/.test(template)) must(matches === (template === long && template.length <= MAX_URI_LENGTH), 'a literal');
  else if (matches) must(anchored(template, long), 'the literal ends of the template are not those of the URI');
  return matches;
}

function anchored(template: string, uri: string): boolean {
  const head = template.slice(0, template.indexOf('{'));
  const tail = template.slice(template.lastIndexOf('}') + 1);
  return uri.startsWith(head) && uri.endsWith(tail) && uri.length >= head.length + tail.length;
}

export const NAME_TARGETS: readonly Target[] = [
  inProcess('exposed-names', 6, fc.tuple(anyName, fc.option(fc.constantFrom(...SERVERS)), spelling), checkName),
  inProcess('uris', 6, fc.tuple(anyUri, fc.constantFrom(...SERVERS)), checkUri),
  inProcess('uri-templates', 8, templates, checkTemplate),
];
