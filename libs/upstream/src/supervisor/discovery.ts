import { type Freshness, GatewayError, messageOf } from '#libs/kernel';
import { Draft, JsonView, LIST_KINDS, LIST_METHODS, type Listing, type ListKind } from '#libs/mcp';
import { endsSession, saidIn } from '../session/failures.js';
import type { UpstreamSession } from '../session/upstream-session.js';
import { size } from '../transports/shared/text.js';

/** How much of a list is fetched: `proxy.discovery`. `size` in bytes. */
export interface ListLimits {
  readonly items: number;
  readonly pages: number;
  readonly size: number;
}

export interface DiscoverOptions {
  /** Milliseconds a page may take. */
  readonly timeout: number;
  readonly limits: ListLimits;
}

/** Capability that announces each list. */
const CAPABILITY: Readonly<Record<ListKind, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  templates: 'resources',
};

export interface Discovered {
  readonly listing: Listing;
  /** Lists that are not as they should be: failed or cut, each a sentence. */
  readonly complaints: readonly string[];
}

/**
 * Lists what an upstream declares, all pages. Lists not asked for, and those that fail, keep what `previous` had.
 * @throws GatewayError when the session itself is of no use
 */
export async function discover(
  server: string,
  session: UpstreamSession,
  kinds: readonly ListKind[],
  previous: Listing | undefined,
  options: DiscoverOptions,
): Promise<Discovered> {
  const items: Record<ListKind, readonly Buffer[]> = { tools: [], prompts: [], resources: [], templates: [] };
  const failed: Partial<Record<ListKind, string>> = {};
  const complaints: string[] = [];
  const cuts: Partial<Record<ListKind, string>> = {};
  const freshness: Partial<Record<ListKind, Freshness>> = {};
  const one = async (kind: ListKind): Promise<void> => {
    if (session.capabilities[CAPABILITY[kind]] === undefined) return;
    const before = previous?.items[kind] ?? [];
    if (!kinds.includes(kind)) {
      items[kind] = before;
      const reason = previous?.failed[kind];
      if (reason !== undefined) failed[kind] = reason;
      const kept = previous?.freshness?.[kind];
      if (kept) freshness[kind] = kept;
      const cut = previous?.cut?.[kind];
      if (cut !== undefined) cuts[kind] = cut;
      return;
    }
    try {
      const { cut, limit, found, keep } = await listAll(session, kind, options);
      items[kind] = found;
      if (keep) freshness[kind] = keep;
      if (cut !== undefined) complaints.push(`${LIST_METHODS[kind].method}: ${cut}`);
      if (limit !== undefined) cuts[kind] = `proxy.discovery.${limit}`;
    } catch (thrown) {
      // It concerns the whole session, not one list.
      if (thrown instanceof GatewayError && endsSession(thrown)) throw thrown;
      items[kind] = before;
      failed[kind] = messageOf(thrown);
      complaints.push(`${LIST_METHODS[kind].method} failed: ${messageOf(thrown)}`);
    }
  };
  const results = await Promise.allSettled(LIST_KINDS.map(one));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  const listing: Listing = {
    server,
    era: session.era,
    version: session.version,
    capabilities: session.capabilities,
    serverInfo: session.serverInfo,
    ...(session.instructions === undefined ? {} : { instructions: session.instructions }),
    items,
    failed,
    ...(Object.keys(cuts).length > 0 ? { cut: cuts } : {}),
    ...(session.dual ? { dual: true } : {}),
    ...(session.http ? { http: true } : {}),
    ...(session.era === 'modern' ? { freshness } : {}),
  };
  return { listing, complaints };
}

interface Fetched {
  readonly found: Buffer[];
  /** Why there is more than was fetched. */
  readonly cut?: string;
  readonly limit?: keyof ListLimits;
  readonly keep?: Freshness | undefined;
}

async function listAll(
  session: UpstreamSession,
  kind: ListKind,
  { timeout, limits }: DiscoverOptions,
): Promise<Fetched> {
  const { member, method } = LIST_METHODS[kind];
  const overLimit = (limit: keyof ListLimits, what: string): Fetched => ({
    found,
    keep,
    limit,
    cut: `only the first ${what} are used (proxy.discovery.${limit})`,
  });
  const found: Buffer[] = [];
  let bytes = 0;
  const seen = new Set<string>();
  let params: Draft | undefined;
  let keep: Freshness | undefined;
  for (let page = 1; ; page++) {
    const outcome = await session.request({ method, params, subject: method, timeout, maxTotal: timeout * 4 });
    if (outcome.kind === 'error') {
      // Declared but not implemented: nothing to list.
      if (outcome.code === -32601) return { found };
      throw new Error(`error ${outcome.code} ${saidIn(outcome.error)}`);
    }
    if (outcome.kind !== 'result') throw new Error('the answer asks for input');
    if (outcome.freshness) keep = strictest(keep, outcome.freshness);
    const result = JsonView.of(outcome.result);
    const list = result.get(member);
    if (list?.type !== 'array') throw new Error(`the answer has no array "${member}"`);
    for (const item of list.items()) {
      if (found.length >= limits.items) return overLimit('items', `${limits.items} entries`);
      const raw = Buffer.from(item.raw());
      bytes += raw.length;
      if (bytes > limits.size) return overLimit('size', size(limits.size));
      found.push(raw);
    }
    // An empty string is a cursor like any other (L:page).
    const cursor = result.get('nextCursor');
    if (cursor?.type !== 'string') return { found, keep };
    const text = cursor.raw().toString();
    if (seen.has(text)) return { found, keep, cut: `the upstream repeats the cursor ${text.slice(0, 60)}` };
    if (page >= limits.pages) return overLimit('pages', `${limits.pages} pages`);
    seen.add(text);
    params = Draft.of(Buffer.from(`{"cursor":${text}}`));
  }
}

/** A list of several pages is as fresh as its most perishable one, and as private as its most private one (M:cache). */
function strictest(a: Freshness | undefined, b: Freshness): Freshness {
  if (!a) return b;
  return { ttl: Math.min(a.ttl, b.ttl), scope: a.scope === 'public' && b.scope === 'public' ? 'public' : 'private' };
}

/** Whether two listings say the same. */
export function sameListing(a: Listing | undefined, b: Listing): boolean {
  if (!a || a.version !== b.version || a.instructions !== b.instructions) return false;
  if (
    JSON.stringify([a.capabilities, a.serverInfo, a.failed, a.cut, a.dual, a.http, a.freshness]) !==
    JSON.stringify([b.capabilities, b.serverInfo, b.failed, b.cut, b.dual, b.http, b.freshness])
  )
    return false;
  return LIST_KINDS.every((kind) => {
    const [left, right] = [a.items[kind], b.items[kind]];
    return left.length === right.length && left.every((item, index) => item.equals(right[index]!));
  });
}
