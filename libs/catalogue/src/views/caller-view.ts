import {
  type Endpoint,
  endpointPath,
  type Freshness,
  GatewayError,
  type ObjectRef,
  type Principal,
} from '#libs/kernel';
import { exposeUri, LIST_KINDS, type ListKind, matchesTemplate, type ParamHeaders, splitUri } from '#libs/mcp';
import type { CatalogueItem, UriTarget, View, ViewRequest } from '../contract.js';
import { offersResources, type ServerEntry } from '../entry.js';
import { type Freshnesses, NOT_KEPT } from '../freshnesses.js';
import type { HandedOut } from '../handed-out.js';
import { MAX_NAME_BYTES, uriFault } from '../ingest/text.js';
import type { CursorSeal } from './cursor.js';
import type { Decisions } from './decisions.js';
import type { ListCache } from './list-cache.js';
import type { PageLimits, ViewCore } from './view-core.js';

/** What views share with the service that makes them. */
export interface ViewDesk {
  readonly cache: ListCache;
  readonly seal: CursorSeal;
  readonly decisions: Decisions;
  readonly handedOut: HandedOut;
  readonly freshnesses: Freshnesses;
  readonly limits: PageLimits;
}

type TemplateTarget = NonNullable<ReturnType<View['template']>>;

/** What a `ref/resource` of completion may name, in the order it is looked for. */
const COMPLETABLE = [
  ['templates', 'template'],
  ['resources', 'resource'],
] as const;

const NO_HEADERS: ParamHeaders = new Map();

/** One caller's view: the shared core, and what depends on who asks (cursors, unlisted resources, URIs handed out). */
export class CallerView implements View {
  readonly #core: ViewCore;
  readonly #desk: ViewDesk;
  readonly #principal: Principal;
  readonly #endpoint: Endpoint;
  readonly #separator: string;
  readonly #bearer: string;

  constructor(core: ViewCore, desk: ViewDesk, { principal, endpoint, spelling }: ViewRequest) {
    this.#core = core;
    this.#desk = desk;
    this.#principal = principal;
    this.#endpoint = endpoint;
    this.#separator = spelling.separator;
    this.#bearer = JSON.stringify([principal.key, endpointPath(endpoint), spelling.maxLength, spelling.separator]);
  }

  get generation(): number {
    return this.#core.generation;
  }

  get key(): string {
    return this.#core.key;
  }

  get servers(): readonly string[] {
    return this.#core.servers;
  }

  list(kind: ListKind, cursor: string | undefined): Buffer {
    const { cache, seal, limits } = this.#desk;
    let start = 0;
    if (cursor !== undefined) {
      const place = seal.open(cursor, `${kind} ${this.#bearer}`);
      if (!place) {
        throw new GatewayError('INVALID_CURSOR', 'This cursor is not good here, or not any more; list from the start');
      }
      start = this.#core.resume(kind, place);
    }
    const { bytes, last } = this.#core.page(kind, start, cache, limits);
    if (last === undefined) return bytes;
    const next = seal.seal(this.#core.placeOf(kind, last), `${kind} ${this.#bearer}`);
    return Buffer.concat([bytes, Buffer.from(`],"nextCursor":"${next}"}`)]);
  }

  freshness(kind: ListKind): Freshness {
    const contributors = this.#core.contributors(kind);
    if (!contributors || contributors.length === 0) return NOT_KEPT;
    const { ttl, scope } = this.#desk.freshnesses.least(contributors, kind);
    const sameForAll = this.#core.unfiltered(kind) && contributors.every(({ lists }) => lists[kind].only.size === 0);
    const shared = scope === 'public' && this.#principal.anonymous && sameForAll;
    return { ttl, scope: shared ? 'public' : 'private' };
  }

  fingerprint(kind: ListKind): string {
    return this.#core.fingerprint(kind);
  }

  tool(name: string): CatalogueItem | undefined {
    return this.#core.named('tools', name)?.item;
  }

  prompt(name: string): CatalogueItem | undefined {
    return this.#core.named('prompts', name)?.item;
  }

  paramHeaders(tool: CatalogueItem): ParamHeaders {
    return tool.paramHeaders ?? NO_HEADERS;
  }

  resource(uri: string): UriTarget | undefined {
    if (uriFault(uri, MAX_NAME_BYTES)) return undefined;
    const { scope } = this.#core;
    if (scope.bare) return this.#permitted(scope.entries[0], uri);
    const listed = this.#core.exposed('resources', uri)?.item.ref;
    if (listed) return { server: listed.server, uri: listed.name };
    const split = splitUri(uri);
    return (split && this.#permitted(scope.byPrefix(split.server), split.uri)) ?? this.#ownerOf(uri);
  }

  template(uri: string): TemplateTarget | undefined {
    if (uriFault(uri, MAX_NAME_BYTES)) return undefined;
    const { scope } = this.#core;
    if (scope.bare) return this.#permittedTemplate(scope.entries[0], uri);
    for (const [list, kind] of COMPLETABLE) {
      const listed = this.#core.exposed(list, uri)?.item.ref ?? this.#only(list, uri);
      if (listed) return { kind, server: listed.server, uri: listed.name };
    }
    const split = splitUri(uri);
    const entry = split && scope.byPrefix(split.server);
    return entry && this.#listedTemplate(entry, split.uri);
  }

  meant(kind: ListKind, spelled: string): ObjectRef | undefined {
    const listed = this.#core.meant(kind, spelled)?.item.ref;
    if (listed || kind !== 'resources') return listed;
    const { scope } = this.#core;
    const split = scope.bare ? undefined : splitUri(spelled);
    const entry = scope.bare ? scope.entries[0] : split && scope.byPrefix(split.server);
    return entry && { kind: 'resource', server: entry.name, name: split?.uri ?? spelled };
  }

  absent(spelled: string): string | undefined {
    const { catalogue, scope } = this.#core;
    const belongs = (server: string) => {
      if (this.#endpoint.kind === 'server') return this.#endpoint.server === server;
      const separators = [this.#separator, ':'];
      const names = [server, this.prefixOf(server)];
      return (
        scope.whole(server) &&
        (names.some((name) => separators.some((separator) => spelled.startsWith(name + separator))) ||
          names.includes(splitUri(spelled)?.server ?? ''))
      );
    };
    return catalogue.settings.servers.find(
      ({ name }) => !catalogue.server(name) && belongs(name) && this.#desk.decisions.knows(this.#principal, name),
    )?.name;
  }

  mayKnow(server: string): boolean {
    return this.#desk.decisions.knows(this.#principal, server);
  }

  get audience(): string {
    const { decisions } = this.#desk;
    return `${decisions.policyVersion} ${decisions.classOf(this.#principal)}`;
  }

  betrays(server: string, text: string): boolean {
    const entry = this.#core.catalogue.server(server);
    const refs = entry ? LIST_KINDS.flatMap((kind) => entry.lists[kind].items.map(({ ref }) => ref)) : [];
    return refs.some((ref) => mentions(text, ref.name) && !this.#desk.decisions.shows(this.#principal, ref));
  }

  prefixOf(server: string): string {
    return this.#core.catalogue.prefixOf(server);
  }

  exposeUri(server: string, uri: string): string {
    return this.#core.scope.bare ? uri : exposeUri(this.prefixOf(server), uri);
  }

  restoreUri(server: string, exposed: string): string | undefined {
    const { scope } = this.#core;
    if (scope.bare) return undefined;
    const split = splitUri(exposed);
    const entry = split && scope.byPrefix(split.server);
    if (entry?.name !== server || uriFault(split!.uri, MAX_NAME_BYTES)) return undefined;
    const { uri } = split!;
    const known =
      this.#listedAs(entry, uri, 'resources') === true ||
      this.#desk.handedOut.has(this.#principal.key, server, uri) ||
      this.#coveredBy(entry, uri);
    return known ? uri : undefined;
  }

  /** A resource of an upstream, listed or not: what is listed follows the view, anything else is asked for by its URI. */
  #permitted(entry: ServerEntry | undefined, uri: string): UriTarget | undefined {
    if (!entry || !offersResources(entry) || uri === '') return undefined;
    const allowed = this.#listedAs(entry, uri, 'resources') ?? (!strays(uri) && this.#admits('resource', entry, uri));
    return allowed ? { server: entry.name, uri } : undefined;
  }

  /** Behind one upstream: templates and resources it listed by the view, others by asking. */
  #permittedTemplate(entry: ServerEntry | undefined, uri: string): TemplateTarget | undefined {
    if (!entry) return undefined;
    if (COMPLETABLE.some(([list]) => entry.lists[list].positions.has(uri))) return this.#listedTemplate(entry, uri);
    const allowed = offersResources(entry) && this.#admits('template', entry, uri);
    return allowed ? { kind: 'template', server: entry.name, uri } : undefined;
  }

  /** What an upstream lists under this very text, when that is in this view. */
  #listedTemplate(entry: ServerEntry, uri: string): TemplateTarget | undefined {
    const as = COMPLETABLE.find(([list]) => entry.lists[list].positions.has(uri));
    return as && this.#listedAs(entry, uri, as[0]) ? { kind: as[1], server: entry.name, uri } : undefined;
  }

  /** Whether an upstream's item is in this view; undefined when the upstream does not list it. */
  #listedAs(entry: ServerEntry, own: string, kind: ListKind): boolean | undefined {
    if (!entry.lists[kind].positions.has(own)) return undefined;
    return this.#core.visible(kind, this.#core.scope.lists[kind].find(entry.name, own)) !== undefined;
  }

  #admits(kind: 'resource' | 'template', entry: ServerEntry, uri: string): boolean {
    const ref = { kind, server: entry.name, name: uri };
    return this.#core.scope.admits(ref) && this.#desk.decisions.shows(this.#principal, ref);
  }

  /** The one upstream that lists a bare URI, or else the one whose templates cover it. Two are none: never a guess. */
  #ownerOf(uri: string): UriTarget | undefined {
    const listing = this.#visibleOwners('resources', uri);
    if (listing.length > 1) return undefined;
    if (listing[0]) return { server: listing[0].server, uri };
    const covering = this.#core.scope.entries.filter((entry) => this.#coveredBy(entry, uri));
    return covering.length === 1 ? this.#permitted(covering[0], uri) : undefined;
  }

  #only(kind: ListKind, name: string) {
    const owners = this.#visibleOwners(kind, name);
    return owners.length === 1 ? owners[0] : undefined;
  }

  #visibleOwners(kind: ListKind, name: string) {
    const owners = this.#core.scope.lists[kind].owners(name);
    return owners.flatMap((index) => this.#core.visible(kind, index)?.item.ref ?? []);
  }

  /** Whether a visible template of this upstream covers a URI. One that strays is covered by none. */
  #coveredBy(entry: ServerEntry, uri: string): boolean {
    if (strays(uri)) return false;
    return entry.lists.templates.items.some(
      ({ ref }) => matchesTemplate(ref.name, uri) && this.#listedAs(entry, ref.name, 'templates') === true,
    );
  }
}

/** Whether a name stands in a text as a word of its own. */
function mentions(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (!isWordPart(text[at - 1]) && !isWordPart(text[at + name.length])) return true;
  }
  return false;
}

function isWordPart(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_-]/u.test(character);
}

/**
 * What nobody means to offer by a template or a permission, and only a list can: dot-dot segments and back-slashes in any
 * spelling, a user's name before the host, an escaped NUL.
 */
function strays(uri: string): boolean {
  return (
    /\\|%5c|%00/i.test(uri) ||
    /(?:^|[/:=?#]|%2f)(?:\.|%2e){2}(?:$|[/?#]|%2f)/i.test(uri) ||
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(uri)
  );
}
