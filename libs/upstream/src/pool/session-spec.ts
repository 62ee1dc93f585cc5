import type { ClientSession, Era, Exchange, Principal } from '#libs/kernel';
import { type ClientCapabilities, capabilitiesOf, NO_CAPABILITIES } from '../session/capabilities.js';

/** Who may share one upstream session. */
export type StatePolicy = 'none' | 'user' | 'session';

/** What identifies an upstream session and what is needed to open it. */
export interface SessionSpec {
  /** Callers with equal keys may share a session. */
  readonly key: string;
  /** The era wanted of an upstream that speaks both; the modern one when absent. */
  readonly era?: Era;
  readonly capabilities: ClientCapabilities;
  /** Whose credential opens it; undefined for the upstream's service credential. */
  readonly principal: Principal | undefined;
  /** Opened under a credential that may differ per principal: what it is offered may be for this principal alone. */
  readonly personal: boolean;
  /** Callers who are not the same person may share it. */
  readonly shared: boolean;
  /** The client session it lives and dies with. */
  readonly client: string | undefined;
  /** Ends with the call it was opened for. */
  readonly ephemeral: boolean;
}

/** The session that discovers, listens for changes and is pinged. It declares nothing and runs under the service credential. */
export const SERVICE: SessionSpec = Object.freeze({
  key: 'service',
  capabilities: NO_CAPABILITIES,
  principal: undefined,
  personal: false,
  shared: true,
  client: undefined,
  ephemeral: false,
});

/** Credentials that are the same for everybody; any other may differ per principal. */
const COMMON_CREDENTIALS: ReadonlySet<string> = new Set([
  'none',
  'header',
  'bearer',
  'basic',
  'oauth-client-credentials',
]);

export interface SpecSettings {
  readonly credential: string;
  /** The listener is loopback only: anonymous callers are one person. */
  readonly sharedAnonymous: boolean;
  /** The era this exchange is sent in. Modern requests carry their client's capabilities themselves. */
  readonly era: Era;
  /** The upstream speaks both. */
  readonly dual: boolean;
}

/** What decides about state, of an upstream's sessions in one era. */
export interface SessionProfile {
  readonly era: Era;
  readonly stateful: boolean;
  readonly attribution: 'request' | 'connection';
}

/** The policy behind `state: auto`, by what the upstream turned out to be. */
export function effectiveState(
  configured: StatePolicy | 'auto',
  type: string,
  session: SessionProfile | undefined,
): StatePolicy {
  if (configured !== 'auto') return configured;
  if (type === 'in-process' || session?.era === 'modern') return 'none';
  if (session === undefined || session.attribution === 'connection') return 'user';
  return session.stateful ? 'session' : 'none';
}

/** The upstream session an exchange belongs on. */
export function specFor(policy: StatePolicy, exchange: Exchange, settings: SpecSettings): SessionSpec {
  const spec = inEra(policy, exchange, settings);
  // The service session of an upstream that speaks both eras is a modern one.
  if (!settings.dual || settings.era === 'modern') return spec;
  return { ...spec, key: `legacy|${spec.key}`, era: 'legacy' };
}

function inEra(policy: StatePolicy, exchange: Exchange, settings: SpecSettings): SessionSpec {
  const capabilities = settings.era === 'modern' ? NO_CAPABILITIES : capabilitiesOf(exchange.client);
  const { principal, session } = exchange;
  const personal = !COMMON_CREDENTIALS.has(settings.credential);
  const credential = personal ? principal : undefined;
  const onePerson = principal.anonymous && settings.sharedAnonymous;
  if (policy === 'none') return unbound(capabilities, credential, !onePerson);
  if (policy === 'session' && session) {
    return {
      key: `session|${session.id}|${settings.credential}|${capabilities.key}`,
      capabilities,
      principal,
      personal,
      shared: false,
      client: session.id,
      ephemeral: false,
    };
  }
  if (onePerson) return unbound(capabilities, credential, false);
  return perUser(capabilities, principal, session, exchange.id, settings.credential);
}

function unbound(capabilities: ClientCapabilities, principal: Principal | undefined, shared: boolean): SessionSpec {
  // Nothing tells such a caller's session from the service session: one child serves both.
  if (capabilities.key === '' && !principal) return SERVICE;
  return {
    key: `${shared ? 'any' : 'one'}|${principal?.key ?? ''}|${capabilities.key}`,
    capabilities,
    principal,
    personal: principal !== undefined,
    shared,
    client: undefined,
    ephemeral: false,
  };
}

function perUser(
  capabilities: ClientCapabilities,
  principal: Principal,
  session: ClientSession | undefined,
  exchangeId: string,
  credential: string,
): SessionSpec {
  const key = `user|${principal.key}|${credential}|${capabilities.key}`;
  // Anonymous callers are strangers to each other: nothing but the sealed session tells one from another.
  const own = { capabilities, principal, personal: !COMMON_CREDENTIALS.has(credential), shared: false };
  if (!principal.anonymous) return { ...own, key, client: undefined, ephemeral: false };
  return session
    ? { ...own, key: `${key}|${session.id}`, client: session.id, ephemeral: false }
    : { ...own, key: `${key}|${exchangeId}`, client: undefined, ephemeral: true };
}
