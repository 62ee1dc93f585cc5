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
    this.#flat = names.length === 0 ? own : joined(own, names, credential, NONE);
  }

  /** The headers of one request. An upstream's credential wins over whatever is forwarded. */
  with(perRequest: Headers | undefined): string[] {
    return perRequest ? joined(this.#flat, Object.keys(perRequest), perRequest, this.#taken) : this.#flat.slice();
  }
}

/** Made in its full length: an array that is pushed to gets room for half as much again, and sixteen. */
function joined(flat: readonly string[], names: readonly string[], more: Headers, taken: readonly string[]): string[] {
  const all = new Array<string>(flat.length + 2 * names.length);
  let length = 0;
  for (const part of flat) all[length++] = part;
  for (const name of names) {
    const lower = name.toLowerCase();
    if (OWNED.has(lower) || (taken.length > 0 && taken.includes(plain(name)))) continue;
    all[length++] = lower;
    all[length++] = more[name] as string;
  }
  all.length = length;
  return all;
}

/** Some servers read "_" as "-": what would be taken for the credential counts as it. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
