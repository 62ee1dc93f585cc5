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
    // An upstream's credential wins over whatever is forwarded.
    const taken = Object.keys(credential).map(plain);
    for (const name of Object.keys(perRequest)) {
      if (!taken.includes(plain(name))) push(flat, name, perRequest[name] as string);
    }
  }
  for (const name of Object.keys(credential)) push(flat, name, credential[name] as string);
  return flat;
}

function push(flat: string[], name: string, value: string): void {
  const lower = name.toLowerCase();
  if (!OWNED.has(lower)) flat.push(lower, value);
}

/** Some servers read "_" as "-": what would be taken for the credential counts as it. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
