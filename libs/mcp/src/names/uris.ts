const SERVER_NAME = /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/;
const LONGEST_SERVER_NAME = 30;
const UI = 'ui://';

/** Longest URI that is routed. */
export const MAX_URI_LENGTH = 8192;

/** `<server>+<uri>`, and for `ui://x/y` `ui://<server>+x/y`, since hosts of apps require the scheme. Works on URI templates alike. */
export function exposeUri(server: string, uri: string): string {
  return uri.startsWith(UI) ? `${UI}${server}+${uri.slice(UI.length)}` : `${server}+${uri}`;
}

/** The server and the upstream's own URI, when `uri` is in exposed form; undefined for a bare URI. Syntax only. */
export function splitUri(uri: string): { server: string; uri: string } | undefined {
  const from = uri.startsWith(UI) ? UI.length : 0;
  const plus = uri.slice(from, from + LONGEST_SERVER_NAME + 1).indexOf('+');
  if (plus < 1) return undefined;
  const server = uri.slice(from, from + plus);
  if (!SERVER_NAME.test(server)) return undefined;
  const rest = uri.slice(from + plus + 1);
  return from === 0 && rest === '' ? undefined : { server, uri: uri.slice(0, from) + rest };
}

export function isHttpUri(uri: string): boolean {
  const start = uri.slice(0, 8).toLowerCase();
  return start === 'https://' || start.startsWith('http://');
}

/** Whether the text begins with a scheme (RFC 3986, 3.1); a relative reference does not. */
export function hasScheme(uri: string): boolean {
  for (let i = 0; i < uri.length; i++) {
    const c = uri.charCodeAt(i);
    if (c === 0x3a) return i > 0;
    const letter = (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
    const other = (c >= 0x30 && c <= 0x39) || c === 0x2b || c === 0x2d || c === 0x2e;
    if (!letter && (i === 0 || !other)) return false;
  }
  return false;
}
