import { GatewayError } from '#libs/kernel';
import {
  type ConnectOptions,
  type CredentialOutcome,
  type CredentialRefusal,
  type RequestCaller,
  type UpstreamCredential,
  type UpstreamTarget,
} from '#libs/plugin';

type Headers = Readonly<Record<string, string>>;

export interface CredentialBinding {
  readonly credential: UpstreamCredential;
  readonly target: UpstreamTarget;
  /** The entry's `auth` block. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * Where one connection gets its credential from: asked for each request, on behalf of whoever it is for. A connection
 * outlives its caller's tokens, so what belongs to no call (streams, notifications) goes with those of the latest one.
 */
export class CredentialSource implements Pick<ConnectOptions, 'headers' | 'refused'> {
  #latest: RequestCaller | undefined;

  /** `opener`: whose connection it is; undefined for one that is nobody's in particular. */
  constructor(
    readonly binding: CredentialBinding,
    opener: RequestCaller | undefined,
  ) {
    this.#latest = opener;
  }

  readonly headers = (caller?: RequestCaller): Headers | Promise<Headers> => {
    const { credential, settings, target } = this.binding;
    const behalf = this.#behalfOf(caller);
    const outcome = credential.headers(target, settings, behalf?.principal, behalf?.headers);
    return outcome instanceof Promise ? outcome.then((late) => this.#given(late)) : this.#given(outcome);
  };

  readonly refused = (refusal: CredentialRefusal): boolean => {
    const { credential, settings, target } = this.binding;
    return credential.refused(target, settings, { ...refusal, caller: this.#behalfOf(refusal.caller) });
  };

  /** Nobody's business where the credential is the gateway's own. */
  #behalfOf(caller: RequestCaller | undefined): RequestCaller | undefined {
    if (!this.binding.credential.personal) return undefined;
    if (caller && caller.headers !== this.#latest?.headers) {
      // Not the exchange itself: it would live as long as the connection.
      this.#latest = { principal: caller.principal, headers: caller.headers };
    }
    return caller ?? this.#latest;
  }

  #given(outcome: CredentialOutcome): Headers {
    if (outcome.kind === 'ok') return outcome.headers;
    const { name } = this.binding.target;
    const text = `${name}: authentication with this upstream failed: ${outcome.reason}`;
    throw new GatewayError('UPSTREAM_UNAUTHORIZED', text, { data: { server: name }, notExecuted: true });
  }
}
