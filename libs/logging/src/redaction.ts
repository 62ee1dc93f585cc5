/** Headers that carry credentials or sessions. Lower case, as Node gives them. */
const SECRET_HEADERS = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'mcp-session-id',
  'x-api-key',
] as const;

/** Where header bags are found in log fields: at the top, in `headers`, in `req.headers` and `res.headers`. */
const PLACES = ['', '*.', '*.*.'] as const;

/** Paths of everything that must never reach a log line, in the logger's own path syntax. */
export const REDACTED_PATHS: readonly string[] = PLACES.flatMap((place) =>
  SECRET_HEADERS.map((header) => (place === '' ? `["${header}"]` : `${place.slice(0, -1)}["${header}"]`)),
);

export const REDACTED_TEXT = '[secret]';
