/** `<server>+<uri>`, and for `ui://x/y` `ui://<server>+x/y` (protocol.md 1.16, R2). Works on URI templates alike. */
export function exposeUri(_server: string, _uri: string): string {
  throw new Error('pending');
}

/** The server and the upstream's own URI, when `uri` is in exposed form; undefined for a bare URI. Syntax only. */
export function splitUri(_uri: string): { server: string; uri: string } | undefined {
  throw new Error('pending');
}

export function isHttpUri(_uri: string): boolean {
  throw new Error('pending');
}

/** Matches a concrete URI against an RFC 6570 template in linear time, without regular expressions. */
export function matchesTemplate(_template: string, _uri: string): boolean {
  throw new Error('pending');
}
