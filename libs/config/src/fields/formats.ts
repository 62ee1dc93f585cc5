import { isIP } from 'node:net';
import { isLoopbackHost } from '#libs/kernel';

/** The one pattern for names of servers, toolsets and prefixes. */
export const NAME = /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/;
export const NAME_RULE = 'must be 1 to 30 lower-case letters, digits and "-", start with a letter and not end with "-"';
/** Right by the pattern, wrong as a name: the aggregate's own path, and a key every object has. */
const TAKEN_NAMES: ReadonlySet<string> = new Set(['mcp', 'constructor']);

export function nameFlaw(name: string): string | undefined {
  if (!NAME.test(name)) return NAME_RULE;
  return TAKEN_NAMES.has(name) ? `"${name}" is reserved` : undefined;
}

/** RFC 9110 5.6.2 token. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
/** RFC 9110 5.5: visible characters, inner blanks and tabs, obs-text; never CR, LF or NUL. */
const FIELD_VALUE = /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/;
/** RFC 6749 3.3 scope-token. */
export const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
export const SCOPE_RULE = 'must be a scope: printable ASCII without blanks, quotes and backslashes';
/** RFC 6750 2.1 b64token, with what real tokens add. */
const BEARER = /^[\x21-\x7e]+$/;

export function headerValueFlaw(value: string): string | undefined {
  return FIELD_VALUE.test(value)
    ? undefined
    : 'must be a header value: no line breaks or control characters, no blank at either end (RFC 9110)';
}

export function bearerFlaw(value: string): string | undefined {
  return BEARER.test(value) ? undefined : 'must be a token: printable ASCII without blanks';
}

/** Headers the gateway owns or that belong to one hop alone; never taken from a file or another hop. */
const OWN_HEADERS =
  /^(?:accept|accept-encoding|connection|content-.*|expect|forwarded|host|http2-settings|keep-alive|last-event-id|mcp-.*|origin|proxy-.*|set-cookie|te|trailer|transfer-encoding|upgrade|x-forwarded-.*|x-real-ip)$/;
/** What a client proves itself with, or what the gateway says for it: never passed on (UP-01, UP-02). */
const CLIENT_HEADERS = /^(?:authorization|cookie|dpop|traceparent|x-request-id|x-upstream-authorization-.*)$/;

/** Some servers read "_" as "-": what is refused in one spelling is refused in the other. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

export function headerNameFlaw(name: string): string | undefined {
  if (!TOKEN.test(name)) return 'must be a header name (RFC 9110 token)';
  if (OWN_HEADERS.test(plainName(name))) return `the header ${name} belongs to the gateway and cannot be set here`;
  return undefined;
}

export function forwardedHeaderFlaw(name: string): string | undefined {
  if (CLIENT_HEADERS.test(plainName(name))) return `a client's ${name} header is never forwarded`;
  return headerNameFlaw(name);
}

/** Reads an absolute http or https URL without userinfo. */
export function httpUrlFlaw(value: string): string | undefined {
  if (/[\s\p{Cc}\\]/u.test(value) || !URL.canParse(value)) return 'must be a URL like https://host/path';
  const url = new URL(value);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'must be an http:// or https:// URL';
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(value))
    return 'must not contain a user name or password; use auth';
  if (!/^https?:\/\//i.test(value)) return 'must be a URL like https://host/path';
  return url.hash === '' && !value.includes('#') ? undefined : 'must not have a fragment (#)';
}

/** A resource identifier (RFC 8707): clients and authorization servers compare it letter by letter. */
export function resourceFlaw(value: string): string | undefined {
  const flaw = httpUrlFlaw(value);
  if (flaw) return flaw;
  const { origin, pathname, search } = new URL(value);
  const canonical = origin + pathname.replace(/\/+$/, '') + search;
  return canonical === value ? undefined : `must be spelled ${canonical}; other spellings belong into oauth.audience`;
}

/** An identity provider's URL, to which others are appended. */
export function issuerFlaw(value: string): string | undefined {
  return endpointFlaw(value) ?? (new URL(value).search === '' ? undefined : 'must not have a query (?)');
}

/** An endpoint of an identity provider: https, or http on this machine. */
export function endpointFlaw(value: string): string | undefined {
  const flaw = httpUrlFlaw(value);
  if (flaw) return flaw;
  const url = new URL(value);
  return url.protocol === 'https:' || isLoopbackHost(url.hostname)
    ? undefined
    : 'must be https (plain http only on this machine)';
}

/** An exact browser origin. */
export function originFlaw(value: string): string | undefined {
  if (value.includes('*'))
    return "'*' would let any web page use this gateway; list exact origins like https://app.example.com";
  if (httpUrlFlaw(value)) return 'must be an origin like https://app.example.com';
  return new URL(value).origin === value
    ? undefined
    : `must be an exact origin, as browsers send it: ${new URL(value).origin}`;
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62})?)*\.?$/i;

export function hostFlaw(value: string): string | undefined {
  const bare = /^\[.*\]$/.test(value) ? value.slice(1, -1) : value;
  return isIP(bare) !== 0 || HOST_NAME.test(value) ? undefined : 'must be a host name or an IP address';
}

/** A host as in `Host:`, with or without a port. */
export function allowedHostFlaw(value: string): string | undefined {
  if (value.includes('*')) return 'must be an exact host; wildcards are not supported';
  if (isIP(value) === 6) return undefined;
  return hostFlaw(value.replace(/:\d{1,5}$/, '')) === undefined
    ? undefined
    : 'must be a host like gateway.example.com or gateway.example.com:8443';
}

/** An address, or a network in CIDR notation. */
export function networkFlaw(value: string): string | undefined {
  const [address = '', bits, more] = value.split('/');
  const family = isIP(address);
  const width = family === 6 ? 128 : 32;
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width);
  return family !== 0 && fits && more === undefined ? undefined : 'must be an IP address or a network like 10.0.0.0/8';
}

/** A host, `*.host`, an address or a network, written the way it will be compared. */
export function egressEntryFlaw(entry: string): string | undefined {
  if (networkFlaw(entry) === undefined) return undefined;
  const host = entry.replace(/^\*\./, '').replace(/\.$/, '');
  if (hostFlaw(host) !== undefined || !URL.canParse(`http://${host}`)) {
    return 'must be a host, *.host, an address or a network like 10.0.0.0/8';
  }
  // URLs spell 127.1 as 127.0.0.1: an entry in another spelling would never fit.
  const { hostname } = new URL(`http://${host}`);
  return hostname === host.toLowerCase() ? undefined : `must be written as ${hostname.replace(/^\[|\]$/g, '')}`;
}

export function listenFlaw(value: string): string | undefined {
  const match = /^(.*):(\d{1,5})$/.exec(value);
  return match && Number(match[2]) <= 65_535 && hostFlaw(match[1] ?? '') === undefined
    ? undefined
    : 'must be host:port, e.g. 127.0.0.1:9464';
}

/** A text for people and models: what it says is what can be read. */
export function descriptionFlaw(text: string): string | undefined {
  if (text.trim() === '') return 'must not be empty';
  return /[^\P{Cc}\n\t]|[^\P{Cf}\u200c-\u200f]|\p{Cs}/u.test(text)
    ? 'must not contain control or invisible characters'
    : undefined;
}

/** Only `*` is special; bounded so that matching stays linear and cheap. */
export function globFlaw(pattern: string): string | undefined {
  if (pattern === '') return 'must not be empty';
  if (pattern.length > 256) return 'must not be longer than 256 characters';
  if ((pattern.match(/\*/g) ?? []).length > 8) return 'must not have more than 8 "*"';
  return /\p{Cc}/u.test(pattern) ? 'must not contain control characters' : undefined;
}

/** `server:tool`, either side with `*`. */
export function objectPatternFlaw(pattern: string): string | undefined {
  const flaw = globFlaw(pattern);
  if (flaw) return flaw;
  const colon = pattern.indexOf(':');
  if (colon <= 0 || colon === pattern.length - 1) return 'must be server:tool, e.g. "n8n:*" or "github:search_*"';
  return serverGlobFlaw(pattern.slice(0, colon));
}

function serverGlobFlaw(server: string): string | undefined {
  return /^[a-z*](?:[a-z0-9*-]{0,28}[a-z0-9*])?$/.test(server)
    ? undefined
    : `"${server}" before the ":" cannot be a server's name`;
}

/** For the gateway's own secrets: at least 32 characters, not one letter repeated. Placeholders no secret may be. */
export function strengthFlaw(value: string): string | undefined {
  if (value.length < 32) return 'must have at least 32 characters (e.g. openssl rand -base64 32)';
  if (new Set(value).size < 8) return 'is too easy to guess (e.g. use openssl rand -base64 32)';
  return undefined;
}
