import { type SpawnedGateway, spawnGateway } from './gateway.js';
import type { IdentityProvider } from './idp.js';
import type { RawSession } from './raw.js';
import type { Arrival, RecordingUpstream } from './recording-upstream.js';
import { http } from './upstreams.js';

/** A gateway that takes tokens of the provider, lets whoever has one use everything, and talks about all it does. */
export async function spawnCredentialed(
  idp: IdentityProvider,
  upstream: RecordingUpstream,
  auth: object,
  more: object = {},
): Promise<SpawnedGateway> {
  return spawnGateway({
    servers: [{ ...http('n8n', upstream.url), auth, ...more }],
    sections: {
      oauth: { enabled: true, provider: 'oidc', authorization_servers: [idp.issuer] },
      auth: { permissions: { '*:*': { public: true }, 'resources/*:*': { public: true } } },
      log: { level: 'debug' },
    },
  });
}

/** A token of this person for the gateway. */
export function tokenFor(idp: IdentityProvider, gateway: SpawnedGateway, sub: string): string {
  return idp.mint({ sub, aud: `${gateway.url}/mcp`, groups: ['User'] });
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

export async function callLabelled(session: RawSession, label: string) {
  return session.request('tools/call', { name: 'n8n:read', arguments: { label } });
}

/** Calls of tools that arrived. */
export const callsAt = (upstream: RecordingUpstream) =>
  upstream.journal.work.filter(({ rpc }) => rpc.method === 'tools/call');

export const labelOf = ({ rpc }: Arrival) => (rpc.params?.['arguments'] as { label?: string } | undefined)?.label;

export const credentialsOf = (arrivals: readonly Arrival[]) => arrivals.map(({ headers }) => headers.authorization);
