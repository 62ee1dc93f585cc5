import { Injectable } from '@nestjs/common';
import { ApiKeysConfigRef, type OauthConfig, OauthConfigRef, ServerConfigRef } from '#libs/config';
import { AuthProvider, type AuthSetup, ExtensionRegistry } from '#libs/plugin';
import { authenticationOn, setupOf } from './setup.js';

/** What the rest of the front door needs to know of authentication, of today's configuration. */
@Injectable()
export class AuthSettings {
  constructor(
    private readonly server: ServerConfigRef,
    private readonly oauth: OauthConfigRef,
    private readonly apiKeys: ApiKeysConfigRef,
    private readonly extensions: ExtensionRegistry,
  ) {}

  /** Callers need credentials. */
  get enabled(): boolean {
    return authenticationOn({ oauth: this.oauth.current, api_keys: this.apiKeys.current });
  }

  /** Authorization servers to send clients to; empty where only API keys are good, or nothing is asked for. */
  get issuers(): readonly string[] {
    const { enabled, authorization_servers } = this.oauth.current;
    return enabled ? authorization_servers : [];
  }

  /** Scopes as clients have to ask the authorization server for them; some providers spell them differently in tokens. */
  challengeScopes(scopes: readonly string[]): readonly string[] {
    const oauth = this.oauth.current;
    if (!oauth.enabled || scopes.length === 0) return scopes;
    return this.#provider(oauth).challengeScopes(scopes, this.#setup(oauth));
  }

  #provider(oauth: OauthConfig): AuthProvider {
    return this.extensions.get(AuthProvider, oauth.provider);
  }

  #setup(oauth: OauthConfig): AuthSetup {
    return setupOf({ server: this.server.current, oauth });
  }
}
