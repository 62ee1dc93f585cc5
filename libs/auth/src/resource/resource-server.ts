import { Injectable } from '@nestjs/common';
import { OauthConfigRef, ServerConfigRef } from '#libs/config';
import type { GatewayError } from '#libs/kernel';
import { AuthSettings } from '../auth-settings.js';
import { challengeFor } from './challenge.js';
import { endpointNamed, PublicUrls, WHOLE } from './public-urls.js';

/** What clients learn of a protected resource before they have a token (RFC 9728, 2). */
export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name: string;
}

/** What the gateway tells of itself as a protected resource: metadata and challenges, of today's configuration. */
@Injectable()
export class ResourceServer {
  #known: { readonly urls: PublicUrls; readonly url: string; readonly resource: string | null } | undefined;

  constructor(
    private readonly server: ServerConfigRef,
    private readonly oauth: OauthConfigRef,
    private readonly settings: AuthSettings,
  ) {}

  get urls(): PublicUrls {
    const { url } = this.server.current;
    const { resource } = this.oauth.current;
    if (this.#known?.url !== url || this.#known.resource !== resource) {
      this.#known = { urls: new PublicUrls(url, resource), url, resource };
    }
    return this.#known.urls;
  }

  /**
   * The metadata of an endpoint, by its path; without one, of the gateway as a whole. Undefined while there is no
   * authorization server to name.
   */
  metadata(path: string = WHOLE): ResourceMetadata | undefined {
    const { issuers } = this.settings;
    if (issuers.length === 0) return undefined;
    const scopes = this.#baseline();
    return {
      resource: this.urls.resource(path),
      authorization_servers: issuers,
      ...(scopes.length > 0 && { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
      resource_name: 'MCP Gateway',
    };
  }

  /** The `WWW-Authenticate` of a failure; `target` is what the request line names. Undefined when the failure has none. */
  challenge(error: GatewayError, target: string | undefined): string | undefined {
    const known = this.settings.issuers.length > 0;
    return challengeFor(error, {
      metadata: known ? this.urls.metadata(endpointNamed(target)) : undefined,
      baseline: this.#baseline(),
      asked: (scopes) => this.#asked(scopes),
    });
  }

  /** As clients have to ask for them. A refresh token is between client and authorization server: no resource wants one. */
  #baseline(): readonly string[] {
    return this.#asked(this.oauth.current.scopes_supported.filter((scope) => scope !== 'offline_access'));
  }

  /** A provider that fails here, maybe a plug-in's, leaves them as they are: a refusal must not fail for it. */
  #asked(scopes: readonly string[]): readonly string[] {
    try {
      return this.settings.challengeScopes(scopes);
    } catch {
      return scopes;
    }
  }
}
