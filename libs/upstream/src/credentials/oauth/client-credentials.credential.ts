import { messageOf } from '#libs/kernel';
import {
  type CredentialOutcome,
  type CredentialRefusal,
  Extension,
  UpstreamCredential,
  type UpstreamTarget,
} from '#libs/plugin';
import { bearerOf, bearerOutcome } from './bearer.js';
import { clientKey, clientOf } from './client.js';
import { type Discovered, discoverTokenEndpoint } from './discovery.js';
import type { TokenRequest } from './token-cache.js';
import { TokenCredential } from './token-credential.js';
import { askForToken } from './token-endpoint.js';

type Settings = Readonly<Record<string, unknown>>;

/** Milliseconds after which an upstream's 401 is a reason to look at the metadata again. */
const METADATA_LIFE = 60_000;

/** What is worked out once for each `auth` block. */
interface Account {
  readonly request: TokenRequest;
  /** `WWW-Authenticate` headers of the last 401; undefined while the upstream has not asked for a token. */
  challenges: readonly string[] | undefined;
  discovered: { readonly found: Discovered; readonly at: number } | undefined;
}

/**
 * `auth: { type: oauth-client-credentials, … }`: a token the gateway gets for itself (RFC 6749 4.4), the same for every
 * caller. The token endpoint is configured, or found from the upstream's own 401 where `token_url` is null.
 */
@Extension(UpstreamCredential, { name: 'oauth-client-credentials', api: '1.1' })
export class ClientCredentialsCredential extends TokenCredential {
  override readonly personal = false;
  readonly #accounts = new WeakMap<Settings, Account>();

  headers(target: UpstreamTarget, settings: Settings): CredentialOutcome | Promise<CredentialOutcome> {
    const account = this.#account(target, settings);
    // An upstream says by its 401 that it wants a token, and where its metadata is.
    if (settings['token_url'] == null && !account.challenges) return NOTHING;
    return bearerOutcome(() => this.cache.get(account.request));
  }

  override refused(target: UpstreamTarget, settings: Settings, { challenges, headers }: CredentialRefusal): boolean {
    const account = this.#account(target, settings);
    const token = bearerOf(headers);
    account.challenges = challenges;
    const { discovered } = account;
    if (discovered && Date.now() - discovered.at > METADATA_LIFE) account.discovered = undefined;
    return token === undefined || this.cache.refused(account.request.key, token);
  }

  #account(target: UpstreamTarget, settings: Settings): Account {
    let account = this.#accounts.get(settings);
    if (!account) {
      const client = clientKey(settings);
      const [resource, audience] = [settings['resource'] ?? null, settings['audience'] ?? null];
      const scopes = [...textsOf(settings['scopes'])].sort();
      const discovering = settings['token_url'] == null ? (target.url ?? '') : '';
      const key = JSON.stringify([client, resource, audience, scopes, discovering]);
      const request = { key, clientKey: client, fetch: () => this.#fetch(target, settings) };
      account = { request, challenges: undefined, discovered: undefined };
      this.#accounts.set(settings, account);
    }
    return account;
  }

  async #fetch(target: UpstreamTarget, settings: Settings) {
    const found = settings['token_url'] == null ? await this.#discover(target, settings) : undefined;
    const configured = textsOf(settings['scopes']);
    const scopes = configured.length > 0 ? configured : found?.scopes;
    const resource = settings['resource'] ?? found?.resource;
    const form = {
      grant_type: 'client_credentials',
      scope: scopes?.join(' '),
      resource: textOf(resource),
      audience: textOf(settings['audience']),
    };
    return await askForToken(this.egress, clientOf(settings, found), {
      form,
      server: target.name,
      log: target.log,
    });
  }

  async #discover(target: UpstreamTarget, settings: Settings): Promise<Discovered> {
    const account = this.#account(target, settings);
    if (account.discovered) return account.discovered.found;
    const found = await discoverTokenEndpoint(this.egress, {
      url: target.url ?? '',
      issuer: String(settings['issuer']),
      challenges: account.challenges ?? [],
    }).catch((thrown: unknown) => {
      target.log.warn({ upstream: target.name }, `${target.name}: no token endpoint found: ${messageOf(thrown)}`);
      throw thrown;
    });
    account.discovered = { found, at: Date.now() };
    return found;
  }
}

const NOTHING: CredentialOutcome = { kind: 'ok', headers: {} };

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
