import type { CatalogueService, View } from '#libs/catalogue';
import { type Endpoint, type Exchange, GatewayError, type ObjectRef, type Outcome } from '#libs/kernel';
import type { ListKind, RequestMessage } from '#libs/mcp';
import type { CallMetrics, Decision } from '#libs/plugin';
import type { Permit, RateLimits } from '#libs/ratelimit';
import type { UpstreamDirectory, UpstreamHandle } from '#libs/upstream';
import type { ChangeHub } from '../changes/change-hub.js';
import type { SessionStates } from '../changes/session-states.js';
import type { Denial, PolicyChain } from '../policies/policy-chain.js';
import type { Heartbeats } from '../progress/heartbeats.js';
import { passesLevel } from './log-level.js';
import type { ReadCache } from './read-cache.js';

/** What every method handler may use. */
export interface Desk {
  readonly catalogue: CatalogueService;
  readonly upstreams: UpstreamDirectory;
  readonly states: SessionStates;
  readonly changes: ChangeHub;
  readonly metrics: CallMetrics;
  readonly reads: ReadCache;
  readonly limits: RateLimits;
  readonly heartbeats: Heartbeats;
  /** Absent where no policy is installed. */
  readonly policies?: PolicyChain | undefined;
}

/** What a request turned out to be about and what was decided of it last: filled on the way, for whoever records it. */
export class Verdict {
  ref: ObjectRef | undefined = undefined;
  decision: Decision | undefined = undefined;
  /** Of the permissions at the decision. */
  policyVersion: number | undefined = undefined;
  /** A policy said no. */
  denial: Denial | undefined = undefined;
  /** It went to the upstream, or to what the gateway keeps of it. */
  sent = false;
  /** Of a tool's outcome, where it was looked at: it is or says an error. */
  failed: boolean | undefined = undefined;
}

/** One request on its way through the pipeline. */
export interface Request {
  readonly exchange: Exchange;
  readonly message: RequestMessage;
  readonly view: View;
  readonly verdict: Verdict;
  /** What it took from the limits; undefined while no limit is configured, and for what none is about. */
  permit: Permit | undefined;
}

export type Handler = (desk: Desk, request: Request) => Promise<Outcome> | Outcome;

/** Throws where an expression is wanted. */
export function fail(error: GatewayError): never {
  throw error;
}

/** The `proxy` label of what concerns an endpoint and no one upstream. */
export function endpointLabel(endpoint: Endpoint): string {
  return endpoint.kind === 'server' ? endpoint.server : 'all';
}

/** The upstream a view resolved to. It can be gone by now: the catalogue outlives a removed upstream for a moment. */
export function upstreamOf(desk: Desk, server: string): UpstreamHandle {
  const upstream = desk.upstreams.get(server);
  if (upstream) return upstream;
  throw new GatewayError('UPSTREAM_REMOVED', `The server '${server}' was removed from the configuration; list again`, {
    data: { server },
  });
}

/**
 * What to answer for a name or URI nobody lists: where it belongs to an upstream that is down and has no lists, that and
 * its cause, since it may well exist; else `unknown`.
 */
export function notListed(
  desk: Desk,
  request: Request,
  kind: ListKind,
  spelled: string,
  unknown: GatewayError,
): GatewayError {
  noteHidden(desk, request, kind, spelled);
  const server = request.view.absent(spelled);
  return (server !== undefined && desk.upstreams.get(server)?.unavailable) || unknown;
}

/**
 * Notes for the audit what a name that is not in the view would have meant, and what hides it. Nothing of it reaches the
 * caller.
 */
export function noteHidden({ catalogue }: Desk, request: Request, kind: ListKind, spelled: string): void {
  const { exchange, verdict, view } = request;
  const ref = view.meant(kind, spelled);
  const decision = ref && catalogue.decide(exchange.principal, ref);
  if (decision?.effect === 'hide') Object.assign(verdict, { ref, decision, policyVersion: catalogue.policyVersion });
}

/** @throws GatewayError REPLICA_STATE when another process holds what the request would change */
export function requireOwnState({ session }: Exchange, what: string): void {
  if (!session?.elsewhere) return;
  throw new GatewayError(
    'REPLICA_STATE',
    `${what} needs the gateway process this session was made at; route a session's requests to one process`,
  );
}

/**
 * Whether this caller wants a log message. A legacy client that never set a level leaves the choice to the upstream; a
 * modern one gets none unless its request named a level (M:log).
 */
export function wantsLog(desk: Desk, { session, logLevel }: Exchange, params: Buffer): boolean {
  if (session) return passesLevel(params, desk.states.find(session.id)?.logLevel);
  return logLevel !== undefined && passesLevel(params, logLevel);
}
