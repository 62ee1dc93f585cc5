import type { ClientSession, Era, Exchange, Principal } from '#libs/kernel';
import type { RequestCaller } from '#libs/plugin';
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
  /**
   * Opened under this caller's own credential: what it is offered may be for this caller alone. Undefined where the
   * credential is the same for everybody.
   */
  readonly personal: RequestCaller | undefined;
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
  personal: undefined,
  shared: true,
  client: undefined,
  ephemeral: false,
});

export function isService({ key }: SessionSpec): boolean {
  return key === SERVICE.key;
}

/** What a credential says of one caller. */
export interface CredentialUse {
  /** `auth.type`. */
  readonly type: string;
  /** It may differ per caller. */
  readonly personal: boolean;
  /** Whom the upstream takes this caller for, besides the principal. */
  readonly identity: string;
}

export interface SpecSettings {
  readonly credential: CredentialUse;
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
  const { identity, personal, type } = settings.credential;
  const own = { capabilities, personal: personal ? { principal, headers: exchange.headers } : undefined };
  const credential = identity === '' ? type : `${type}=${identity}`;
  const onePerson = principal.anonymous && settings.sharedAnonymous;
  if (policy === 'none') return unbound(own, credential, !onePerson);
  if (policy === 'session' && session) {
    return {
      ...own,
      key: `session|${session.id}|${credential}|${capabilities.key}`,
      shared: false,
      client: session.id,
      ephemeral: false,
    };
  }
  if (onePerson) return unbound(own, credential, false);
  return perUser(own, principal, session, exchange.id, credential);
}

type Own = Pick<SessionSpec, 'capabilities' | 'personal'>;

function unbound(own: Own, credential: string, shared: boolean): SessionSpec {
  const { capabilities, personal } = own;
  // Nothing tells such a caller's session from the service session: one child serves both.
  if (capabilities.key === '' && !personal) return SERVICE;
  const owner = personal ? `${personal.principal.key}|${credential}` : '';
  return {
    ...own,
    key: `${shared ? 'any' : 'one'}|${owner}|${capabilities.key}`,
    shared,
    client: undefined,
    ephemeral: false,
  };
}

function perUser(
  own: Own,
  principal: Principal,
  session: ClientSession | undefined,
  exchangeId: string,
  credential: string,
): SessionSpec {
  const key = `user|${principal.key}|${credential}|${own.capabilities.key}`;
  // Anonymous callers are strangers to each other: nothing but the sealed session tells one from another.
  if (!principal.anonymous) return { ...own, key, shared: false, client: undefined, ephemeral: false };
  return session
    ? { ...own, key: `${key}|${session.id}`, shared: false, client: session.id, ephemeral: false }
    : { ...own, key: `${key}|${exchangeId}`, shared: false, client: undefined, ephemeral: true };
}
