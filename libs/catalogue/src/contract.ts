import type { Endpoint, Era, Freshness, ObjectRef, Principal, Spelling } from '#libs/kernel';
import type { ListKind, ParamHeaders } from '#libs/mcp';

/** One thing an upstream offers, as it stands in the catalogue. */
export interface CatalogueItem {
  readonly ref: ObjectRef;
  /** What clients see instead of the own name, as the operator configured it; absent when it is the own name. */
  readonly shownAs?: string;
  /** The upstream's own JSON of the item, with the operator's description where there is one. */
  readonly raw: Buffer;
  /** Parameters of a tool that are mirrored into headers; absent when there are none. */
  readonly paramHeaders?: ParamHeaders;
  /**
   * A tool's `outputSchema` is one that only modern clients take: for legacy ones it is wrapped, and so must be the
   * structured content of its results.
   */
  readonly wrapsOutput?: boolean;
  /** A tool says of itself that running it twice does no harm (`readOnlyHint`, `idempotentHint`). */
  readonly repeatable?: boolean;
}

/** Something left out of the lists, and why: shown to operators, never to clients. */
export interface Quarantined {
  readonly server: string;
  readonly kind: ListKind;
  readonly name: string;
  readonly reason: string;
  /** Key of the configured limit that it was over. */
  readonly limit?: string | undefined;
}

/** What identifies a view. Two callers with the same decisions, endpoint and spelling share encoded lists. */
export interface ViewRequest {
  readonly principal: Principal;
  readonly endpoint: Endpoint;
  readonly spelling: Spelling;
  /** Canonical key of the client's declared capabilities, for upstreams whose lists depend on them. Default: none. */
  readonly capabilities?: string;
  /** The client's era. Default: legacy, which gets nothing that only modern clients take. */
  readonly era?: Era;
  /** For a request that is made again and again, as the very same object: kept by the catalogue. */
  readonly key?: ViewKey;
}

/** The text that views are found by, and what of it changes while a request does not. */
export interface ViewKey {
  text: string;
  /** Version of the caller's own lists. */
  own: number;
  /** The class of callers. */
  audience: string;
}

/** Where a URI or template that a client sent leads: an upstream, and its own spelling. */
export interface UriTarget {
  readonly server: string;
  readonly uri: string;
}

/** What one caller may see and use of one catalogue generation. List and call both go through it. */
export interface View {
  readonly generation: number;
  /** Equal keys mean equal lists. */
  readonly key: string;
  /** Names of the upstreams this view takes from, in order. */
  readonly servers: readonly string[];
  /**
   * JSON of a list result (`{"tools":[…],"nextCursor":…}`), encoded once per generation and view key.
   * @throws GatewayError INVALID_CURSOR
   */
  list(kind: ListKind, cursor: string | undefined): Buffer;
  /**
   * How long a list may be kept from now on, and by whom: the least of what the upstreams behind it allow, less what has
   * passed. No time when one of them is legacy, could not list or is not there yet. Public only for anonymous callers from
   * whom nothing is hidden.
   */
  freshness(kind: ListKind): Freshness;
  /** A hash of one list: equal when nothing a client of this view sees has changed. */
  fingerprint(kind: ListKind): string;
  /** The exact exposed name of this spelling, then on a single-upstream endpoint its own name, then the canonical name. */
  tool(name: string): CatalogueItem | undefined;
  prompt(name: string): CatalogueItem | undefined;
  /** Parameters of a tool that are mirrored into headers, by header name in lower case; empty when there are none. */
  paramHeaders(tool: CatalogueItem): ParamHeaders;
  /**
   * The upstream and its own URI for a URI a client sent: exposed form first, then a bare URI that exactly one upstream
   * of this view lists or covers by a template (protocol.md R5, R6).
   */
  resource(uri: string): UriTarget | undefined;
  /** The upstream and its own template for a `ref/resource` of completion (a template or a URI, exact). */
  template(uri: string): (UriTarget & { readonly kind: 'template' | 'resource' }) | undefined;
  /**
   * What a name or URI would mean if nothing were hidden: for the audit, and for nobody's answer. A URI nobody lists is told
   * apart by its prefix.
   */
  meant(kind: ListKind, spelled: string): ObjectRef | undefined;
  /**
   * The upstream a name or URI in exposed form belongs to, when that upstream lists nothing, yet or any more, and the
   * caller may know of it: then whatever it names may well exist.
   */
  absent(spelled: string): string | undefined;
  /** Whether the caller may know of an upstream that has not said yet what it offers. */
  mayKnow(server: string): boolean;
  /** Names the policy and the class of callers: equal ones see equal things at every endpoint. */
  readonly audience: string;
  /** Whether a text says the name or URI of something this upstream offers and the caller may not know. */
  betrays(server: string, text: string): boolean;
  /** The prefix that names and URIs of this upstream carry in this view. */
  prefixOf(server: string): string;
  /** What this view's client sees for an upstream's own URI. */
  exposeUri(server: string, uri: string): string;
  /** R5's reverse rewriting: the own URI of `server` when `exposed` names one it listed or covers by a template. */
  restoreUri(server: string, exposed: string): string | undefined;
}
