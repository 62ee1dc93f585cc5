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

const NONE: readonly string[] = [];

/**
 * What all requests of one connection under one credential have in common, worked out once: name, value, name, value, the form
 * that costs undici least.
 */
export class HeaderBase {
  readonly #flat: readonly string[];
  /** Names that are the credential's, as servers may read them. */
  readonly #taken: readonly string[];

  constructor(
    readonly own: readonly string[],
    readonly credential: Headers,
  ) {
    const names = Object.keys(credential);
    this.#taken = names.length === 0 ? NONE : names.map(plain);
    if (names.length === 0) {
      this.#flat = own;
      return;
    }
    const flat = [...own];
    for (const name of names) push(flat, name, credential[name] as string);
    // Without the room for more that it grew by: there is one for each session.
    this.#flat = flat.slice();
  }

  /** The headers of one request. An upstream's credential wins over whatever is forwarded. */
  with(perRequest: Headers | undefined): string[] {
    const flat = this.#flat.slice();
    if (!perRequest) return flat;
    for (const name of Object.keys(perRequest)) {
      if (this.#taken.length === 0 || !this.#taken.includes(plain(name))) push(flat, name, perRequest[name] as string);
    }
    return flat;
  }
}

function push(flat: string[], name: string, value: string): void {
  const lower = name.toLowerCase();
  if (!OWNED.has(lower)) flat.push(lower, value);
}

/** Some servers read "_" as "-": what would be taken for the credential counts as it. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
