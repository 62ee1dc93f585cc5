/** What belongs to the exchange itself: no credential and no caller overrides it. */
const OWNED = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

type Headers = Readonly<Record<string, string>>;

/** Name, value, name, value: the form that costs undici least. */
export function flatten(own: readonly string[], perRequest: Headers | undefined, credential: Headers): string[] {
  const flat = [...own];
  if (perRequest) {
    for (const name of Object.keys(perRequest)) {
      // An upstream's credential wins over whatever is forwarded.
      if (!has(credential, name)) push(flat, name, perRequest[name] as string);
    }
  }
  for (const name of Object.keys(credential)) push(flat, name, credential[name] as string);
  return flat;
}

function push(flat: string[], name: string, value: string): void {
  const lower = name.toLowerCase();
  if (!OWNED.has(lower)) flat.push(lower, value);
}

function has(headers: Headers, name: string): boolean {
  const lower = name.toLowerCase();
  return Object.keys(headers).some((other) => other.toLowerCase() === lower);
}
