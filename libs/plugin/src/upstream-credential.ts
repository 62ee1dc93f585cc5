import type { Principal } from '#libs/kernel';
import type { UpstreamTarget } from './upstream-transport.js';

export type CredentialOutcome =
  | { readonly kind: 'ok'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'missing'; readonly reason: string };

/**
 * Extension point: how the gateway proves itself to an upstream. One resolver serves discovery (no principal),
 * heartbeat and calls alike.
 */
export abstract class UpstreamCredential {
  /** Problems with the entry's `auth` block, each a sentence that starts with the offending key; asked when it is checked. */
  validate(_settings: Readonly<Record<string, unknown>>): readonly string[] {
    return [];
  }

  abstract headers(
    target: UpstreamTarget,
    settings: Readonly<Record<string, unknown>>,
    principal: Principal | undefined,
  ): CredentialOutcome | Promise<CredentialOutcome>;
}
