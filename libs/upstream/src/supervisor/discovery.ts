import { type Freshness, GatewayError, messageOf } from '#libs/kernel';
import { JsonView, LIST_KINDS, LIST_METHODS, type Listing, type ListKind } from '#libs/mcp';
import type { UpstreamSession } from '../session/upstream-session.js';

const MAX_PAGES = 64;
const MAX_ITEMS = 10_000;
/** All items of one list together, in MiB. */
const MAX_SIZE = 32;

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

/** Failures that concern the whole session, not one list. */
const FATAL: ReadonlySet<string> = new Set([
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_DISCONNECTED',
  'UPSTREAM_SESSION_LOST',
  'UPSTREAM_UNAUTHORIZED',
  'EGRESS_DENIED',
]);

/**
 * Lists what an upstream declares, all pages. Lists not asked for, and those that fail, keep what `previous` had.
 * @throws GatewayError when the session itself is of no use
 */
export async function discover(
  server: string,
  session: UpstreamSession,
  kinds: readonly ListKind[],
  previous: Listing | undefined,
  timeout: number,
): Promise<Discovered> {
  const items: Record<ListKind, readonly Buffer[]> = { tools: [], prompts: [], resources: [], templates: [] };
  const failed: Partial<Record<ListKind, string>> = {};
  const complaints: string[] = [];
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
      return;
    }
    try {
      const { cut, found, keep } = await listAll(session, kind, timeout);
      items[kind] = found;
      if (keep) freshness[kind] = keep;
      if (cut !== undefined) complaints.push(`${LIST_METHODS[kind].method}: ${cut}`);
    } catch (thrown) {
      if (thrown instanceof GatewayError && FATAL.has(thrown.code)) throw thrown;
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
    ...(session.dual ? { dual: true } : {}),
    ...(session.http ? { http: true } : {}),
    ...(session.era === 'modern' ? { freshness } : {}),
  };
  return { listing, complaints };
}

async function listAll(
  session: UpstreamSession,
  kind: ListKind,
  timeout: number,
): Promise<{ found: Buffer[]; cut?: string; keep?: Freshness | undefined }> {
  const { member, method } = LIST_METHODS[kind];
  const found: Buffer[] = [];
  let size = 0;
  const seen = new Set<string>();
  let params: Buffer | undefined;
  let keep: Freshness | undefined;
  for (let page = 1; ; page++) {
    const outcome = await session.request({ method, params, subject: method, timeout, maxTotal: timeout * 4 });
    if (outcome.kind === 'error') {
      // Declared but not implemented: nothing to list.
      if (outcome.code === -32601) return { found };
      throw new Error(
        `error ${outcome.code} ${(JsonView.of(outcome.error).get('message')?.string() ?? '').slice(0, 200)}`,
      );
    }
    if (outcome.kind !== 'result') throw new Error('the answer asks for input');
    if (outcome.freshness) keep = strictest(keep, outcome.freshness);
    const result = JsonView.of(outcome.result);
    const list = result.get(member);
    if (list?.type !== 'array') throw new Error(`the answer has no array "${member}"`);
    for (const item of list.items()) {
      if (found.length >= MAX_ITEMS) return { found, keep, cut: `only the first ${MAX_ITEMS} entries are used` };
      const bytes = Buffer.from(item.raw());
      size += bytes.length;
      if (size > MAX_SIZE * 1024 * 1024) return { found, keep, cut: `only the first ${MAX_SIZE} MiB are used` };
      found.push(bytes);
    }
    // An empty string is a cursor like any other (L:page).
    const cursor = result.get('nextCursor');
    if (cursor?.type !== 'string') return { found, keep };
    const text = cursor.raw().toString();
    if (seen.has(text)) return { found, keep, cut: `the upstream repeats the cursor ${text.slice(0, 60)}` };
    if (page >= MAX_PAGES) return { found, keep, cut: `only the first ${MAX_PAGES} pages are used` };
    seen.add(text);
    params = Buffer.from(`{"cursor":${text}}`);
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
    JSON.stringify([a.capabilities, a.serverInfo, a.failed, a.dual, a.http, a.freshness]) !==
    JSON.stringify([b.capabilities, b.serverInfo, b.failed, b.dual, b.http, b.freshness])
  )
    return false;
  return LIST_KINDS.every((kind) => {
    const [left, right] = [a.items[kind], b.items[kind]];
    return left.length === right.length && left.every((item, index) => item.equals(right[index]!));
  });
}
