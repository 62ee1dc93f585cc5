import type { Issuer } from './issuer.ts';
import { AUDIENCE, PUBLIC_URL } from './issuer.ts';
import type { Piece } from './pieces.ts';
import { type Era, upstreamName } from './shape.ts';
import { GROUPS } from './tools.mjs';
import { VIEWS, viewsOf } from './views.ts';

export type Profile = 'bare' | 'everything';

export interface GatewaySetup {
  readonly upstreams: readonly { readonly name: string; readonly url: string; readonly protocol: Era }[];
  readonly profile: Profile;
  /** What of "everything" is on. */
  readonly pieces: readonly Piece[];
  readonly issuer: Pick<Issuer, 'url' | 'jwksUri'>;
  readonly auditFile: string;
  /** How many permission patterns there are: ten at least. */
  readonly patterns: number;
  /** How many sessions the run will hold; limits are raised to that. */
  readonly sessions: number;
}

/** Sockets or sessions per upstream; more than the calls that are ever under way at once. */
const POOL = 256;

/** The configuration file's content. Bare is the gateway with nothing switched on. */
export function gatewayConfig(setup: GatewaySetup): Record<string, unknown> {
  const room = Math.max(1000, 4 * setup.sessions);
  const base = {
    server: {
      url: PUBLIC_URL,
      port: 0,
      limits: {
        body: '8MiB',
        sessions_per_principal: room,
        streams_per_principal: room,
        streams: room,
        // It is meant to be as busy as it can, and whatever else the machine does meanwhile must not end in refusals.
        event_loop_delay: '60s',
      },
      shutdown: { timeout: '2s' },
    },
    proxy: {
      servers: setup.upstreams.map(({ name, url, protocol }) => ({
        name,
        type: 'streamable-http',
        protocol,
        connection: { url, pool: Math.min(10_000, Math.max(POOL, setup.sessions)) },
      })),
    },
    log: { level: 'info', format: 'json' },
  };
  return setup.profile === 'bare' ? base : { ...base, ...everything(setup) };
}

function everything(setup: GatewaySetup): Record<string, unknown> {
  const { pieces, issuer, auditFile } = setup;
  const has = (piece: Piece) => pieces.includes(piece);
  return {
    ...(has('authentication') && {
      oauth: {
        enabled: true,
        provider: 'oidc',
        authorization_servers: [issuer.url],
        jwks_uri: issuer.jwksUri,
        audience: [AUDIENCE],
      },
    }),
    ...(has('permissions') && { auth: permissions(setup) }),
    ...(has('rate_limit') && {
      rate_limit: [{ key: 'principal', match: 'u*:*', limit: 1_000_000_000, per: '1m' }],
    }),
    ...(has('audit') && { audit: { to: auditFile } }),
    metrics: { enabled: true },
  };
}

/** Each view is one group of the identity provider, one mapping and one scope. */
function permissions(setup: GatewaySetup): Record<string, unknown> {
  const views = Array.from({ length: VIEWS }, (_, view) => view);
  return {
    claims: ['groups'],
    mappings: Object.fromEntries(views.map((view) => [`groups:view-${view}`, [`view:${view}`]])),
    permissions: Object.fromEntries(patterns(setup)),
  };
}

/**
 * First one pattern per group of tools for all upstreams, then one per group for each upstream by its name, then names
 * of tools that do not exist, so that a matcher that looks at every pattern shows.
 */
function patterns({ patterns: count, upstreams }: GatewaySetup): [pattern: string, scopes: string[]][] {
  const scopes = Array.from({ length: GROUPS }, (_, group) => viewsOf(group).map((view) => `view:${view}`));
  return Array.from({ length: Math.max(GROUPS, count) }, (_, index) => {
    const [upstream, group] = [Math.floor(index / GROUPS) - 1, index % GROUPS];
    if (upstream >= upstreams.length) return [`u00:other-${index}-*`, ['view:0']];
    return [`${upstream < 0 ? 'u*' : upstreamName(upstream)}:tool-*-g${group}`, scopes[group] ?? []];
  });
}
