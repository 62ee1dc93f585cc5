const MAX_LENGTH = 8 * 1024;
const PART = /[\s,]*([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/y;

/** Parameters of the first `Bearer` challenge in `WWW-Authenticate` headers (RFC 9110 11.6.1), names in lower case. */
export function bearerChallenge(headers: readonly string[]): ReadonlyMap<string, string> | undefined {
  for (const header of headers) {
    const found = inHeader(header.slice(0, MAX_LENGTH));
    if (found) return found;
  }
  return undefined;
}

function inHeader(header: string): ReadonlyMap<string, string> | undefined {
  let bearer: Map<string, string> | undefined;
  PART.lastIndex = 0;
  for (let part = PART.exec(header); part; part = PART.exec(header)) {
    const [, name = '', quoted, plain] = part;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value !== undefined) {
      // The first word of a name counts: a second one is somebody's trick.
      if (bearer && !bearer.has(name.toLowerCase())) bearer.set(name.toLowerCase(), value);
    } else if (bearer) return bearer;
    else if (name.toLowerCase() === 'bearer') bearer = new Map();
  }
  return bearer;
}
