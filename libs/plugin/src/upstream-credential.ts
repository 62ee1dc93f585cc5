import type { ClientHeaders, Principal } from '#libs/kernel';
import type { CredentialRefusal, UpstreamTarget } from './upstream-transport.js';

export type CredentialOutcome =
  | { readonly kind: 'ok'; readonly headers: Readonly<Record<string, string>> }
  /** `reason`: why there is none, and what to do; shown to whoever called. */
  | { readonly kind: 'missing'; readonly reason: string };

type Settings = Readonly<Record<string, unknown>>;

/**
 * Extension point: how the gateway proves itself to an upstream. One resolver serves discovery (no principal),
 * heartbeat and calls alike. Asked anew for each HTTP request: what takes time is kept by the credential, so that a value
 * at hand comes back at once, without a promise.
 */
export abstract class UpstreamCredential {
  /**
   * Whether it may differ per caller. Then upstream sessions are never shared between callers, and what their lists
   * show is for them alone. False for what is the gateway's own.
   */
  readonly personal: boolean = true;

  /** Problems with the entry's `auth` block, each a sentence that starts with the offending key; asked when it is checked. */
  validate(_settings: Settings): readonly string[] {
    return [];
  }

  /**
   * @param principal whom the request is for; undefined for the gateway's own (discovery, heartbeat)
   * @param client headers of that caller's HTTP request; undefined with the principal, and where they are not known any more
   */
  abstract headers(
    target: UpstreamTarget,
    settings: Settings,
    principal: Principal | undefined,
    client?: ClientHeaders,
  ): CredentialOutcome | Promise<CredentialOutcome>;

  /**
   * The upstream answered 401 to headers given out here. Forgets what was refused, and nothing newer. True when asking
   * again may bring something else: then the request, which the upstream did not run, is sent once more.
   */
  refused(_target: UpstreamTarget, _settings: Settings, _refusal: CredentialRefusal): boolean {
    return false;
  }

  /**
   * Whether it has something for the gateway's own requests. Where it has not, nothing is discovered: each caller sees
   * what the upstream lists to that caller.
   */
  serves(_settings: Settings): boolean {
    return true;
  }

  /**
   * Whom the upstream takes the caller for, where the principal alone does not tell: upstream sessions are shared only by
   * equal answers. Never a secret itself.
   */
  identity(_target: Pick<UpstreamTarget, 'name'>, _settings: Settings, _client: ClientHeaders): string {
    return '';
  }
}
