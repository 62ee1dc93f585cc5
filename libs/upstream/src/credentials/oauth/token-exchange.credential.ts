import { createHash } from 'node:crypto';
import type { Principal } from '#libs/kernel';
import {
  type CredentialOutcome,
  type CredentialRefusal,
  Extension,
  UpstreamCredential,
  type UpstreamTarget,
} from '#libs/plugin';
import { bearerOf, bearerOutcome } from './bearer.js';
import { clientKey, clientOf } from './client.js';
import { ClientCredentialsCredential } from './client-credentials.credential.js';
import { type Grant, TokenError, type TokenRequest } from './token-cache.js';
import { TokenCredential } from './token-credential.js';
import { askForToken } from './token-endpoint.js';

type Settings = Readonly<Record<string, unknown>>;

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
/** Milliseconds before the end of the caller's own token that what was exchanged for it is no longer used (UP-15). */
const MARGIN = 15_000;

const NO_SERVICE: CredentialOutcome = {
  kind: 'missing',
  reason: 'auth.discovery is not set, so the gateway has no credential of its own there',
};
const NO_SUBJECT: CredentialOutcome = {
  kind: 'missing',
  reason: 'it needs the token of a user to exchange; whoever calls without one (anonymously, with an API key) has none',
};

/**
 * `auth: { type: token-exchange, … }` (RFC 8693): the caller's token is exchanged for one the upstream takes. It goes to the
 * authorization server and nowhere else. The gateway's own requests use the `discovery` block.
 */
@Extension(UpstreamCredential, { name: 'token-exchange', api: '1.1' })
export class TokenExchangeCredential extends TokenCredential {
  readonly #service = new ClientCredentialsCredential(this.egress, this.cache);
  readonly #digests = new WeakMap<Principal, string>();

  headers(
    target: UpstreamTarget,
    settings: Settings,
    principal: Principal | undefined,
  ): CredentialOutcome | Promise<CredentialOutcome> {
    if (!principal) {
      const own = serviceOf(settings);
      return own ? this.#service.headers(target, own) : NO_SERVICE;
    }
    if (!principal.token) return NO_SUBJECT;
    return bearerOutcome(() => this.cache.get(this.#request(target, settings, principal)));
  }

  override refused(target: UpstreamTarget, settings: Settings, refusal: CredentialRefusal): boolean {
    const { caller, headers } = refusal;
    const own = serviceOf(settings);
    if (!caller) return own !== undefined && this.#service.refused(target, own, refusal);
    const token = bearerOf(headers);
    return token !== undefined && this.cache.refused(this.#key(settings, caller.principal), token);
  }

  override serves(settings: Settings): boolean {
    return serviceOf(settings) !== undefined;
  }

  #request(target: UpstreamTarget, settings: Settings, principal: Principal): TokenRequest {
    return {
      key: this.#key(settings, principal),
      clientKey: clientKey(settings),
      fetch: () => this.#exchange(target, settings, principal),
    };
  }

  #key(settings: Settings, principal: Principal): string {
    const { audience, resource, scopes } = settings;
    return JSON.stringify(['exchange', clientKey(settings), audience, resource, scopes, this.#digest(principal)]);
  }

  /** Of the caller's whole token: another token of the same caller may be worth another exchange. */
  #digest(principal: Principal): string {
    let digest = this.#digests.get(principal);
    if (digest === undefined) {
      digest = createHash('sha256')
        .update(principal.token?.reveal() ?? '')
        .digest('base64url');
      this.#digests.set(principal, digest);
    }
    return digest;
  }

  async #exchange(target: UpstreamTarget, settings: Settings, principal: Principal): Promise<Grant> {
    const subject = principal.token?.reveal() ?? '';
    const client = clientOf(settings);
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subject,
      subject_token_type: ACCESS_TOKEN,
      requested_token_type: ACCESS_TOKEN,
      audience: textOf(settings['audience']),
      resource: textOf(settings['resource']),
      scope: scopeOf(settings['scopes']),
    };
    const question = { form, secrets: [subject], server: target.name, log: target.log };
    const { issuedTokenType, life, token } = await askForToken(this.egress, client, question);
    if (issuedTokenType !== ACCESS_TOKEN && issuedTokenType !== JWT) {
      throw new TokenError('refused', `${new URL(client.url).origin} issued something else than an access token`);
    }
    // A server that hands the caller's own token back would make the gateway pass it on.
    if (token === subject) {
      throw new TokenError('refused', `${new URL(client.url).origin} gave the caller's own token back`);
    }
    return { token, life, until: principal.expiresAt === undefined ? undefined : principal.expiresAt - MARGIN };
  }
}

function serviceOf(settings: Settings): Settings | undefined {
  const { discovery } = settings;
  return typeof discovery === 'object' && discovery !== null ? (discovery as Settings) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function scopeOf(value: unknown): string | undefined {
  return Array.isArray(value) && value.length > 0 ? value.join(' ') : undefined;
}
