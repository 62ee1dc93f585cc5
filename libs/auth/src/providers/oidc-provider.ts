import { Injectable } from '@nestjs/common';
import { EgressClient } from '#libs/egress';
import { type Authenticator, AuthProvider, type AuthSetup, GatewayLog } from '#libs/plugin';
import { IssuerKeys, type IssuerPlace } from '../keys/issuer-keys.js';
import { type Clock, SYSTEM_CLOCK } from '../keys/key-cache.js';
import { type IssuerStep, walkIssuer } from '../keys/walk-issuer.js';
import { type Introspector, Rfc7662Introspector } from '../opaque/introspector.js';
import { OpaqueVerifier } from '../opaque/opaque-verifier.js';
import { JwtVerifier } from '../tokens/jwt-verifier.js';
import { TokenAuthenticator } from '../tokens/token-authenticator.js';
import type { Preset } from './preset.js';

/** What all presets share: the way out, the log, the clock, and the keys of all issuers. */
@Injectable()
export class OidcParts {
  readonly keys: IssuerKeys;
  clock: Clock = SYSTEM_CLOCK;

  constructor(
    readonly egress: EgressClient,
    readonly log: GatewayLog,
  ) {
    const clock: Clock = {
      now: () => this.clock.now(),
      elapsed: () => this.clock.elapsed(),
      random: () => this.clock.random(),
    };
    this.keys = new IssuerKeys(egress, log, clock);
  }
}

/** The one OpenID provider that every preset is a small variation of. */
export abstract class OidcProvider extends AuthProvider {
  constructor(protected readonly parts: OidcParts) {
    super();
  }

  /** The preset, under the settings of its block. */
  protected abstract preset(setup: AuthSetup): Preset;

  override warnings({ issuers, jwksUri }: AuthSetup): readonly string[] {
    return jwksUri !== undefined && issuers.length > 1
      ? [`jwks_uri: holds the keys of all ${issuers.length} issuers: a key in it is good for each of them`]
      : [];
  }

  override describe(setup: AuthSetup): readonly string[] {
    const preset = this.preset(setup);
    const { type, subject, audienceClaim } = preset;
    const extra = [...new Set(setup.issuers.flatMap((issuer) => preset.audiences?.(issuer, setup) ?? []))];
    return [
      `access tokens have typ ${type === 'at+jwt' ? 'at+jwt' : 'at+jwt, JWT or none'}`,
      `who it is stands in ${subject.map((names) => names.join(' and ')).join(', else ')}`,
      ...(extra.length > 0 ? [`the audience ${extra.join(', ')} is accepted too`] : []),
      ...(audienceClaim === undefined
        ? []
        : [`tokens without aud are accepted when oauth.audience has their ${audienceClaim}`]),
    ];
  }

  override open(setup: AuthSetup): Authenticator {
    const { keys, clock, log } = this.parts;
    const preset = this.preset(setup);
    const used = this.#places(setup).map((place) => ({ issuer: place.issuer, ...keys.use(place) }));
    const caches = new Map(used.map(({ issuer, cache }) => [issuer, cache]));
    const introspector = this.introspector(setup);
    const stops: (() => void)[] = used.map(({ release }) => release);
    const authenticator = new TokenAuthenticator({
      setup,
      clock,
      jwt: new JwtVerifier(preset, setup, caches, clock),
      opaque: introspector && new OpaqueVerifier({ preset, setup, introspector, clock, log }),
      warmUp: async () => {
        await Promise.all([...caches.values()].map((cache) => cache.warmUp()));
      },
      close: () => {
        for (const stop of stops.splice(0)) stop();
      },
    });
    for (const cache of caches.values()) stops.push(cache.events.on('removed', () => authenticator.forget()));
    return authenticator;
  }

  /** Asks every issuer now, for somebody who wants to know whether tokens could be checked. */
  async examine(setup: AuthSetup): Promise<readonly IssuerStep[]> {
    const walks = this.#places(setup).map((place) => walkIssuer(this.parts.egress, place, setup.algorithms));
    return (await Promise.all(walks)).flat();
  }

  #places(setup: AuthSetup): readonly IssuerPlace[] {
    const { discovery } = this.preset(setup);
    return setup.issuers.map((issuer) => ({ issuer, jwksUri: setup.jwksUri, discovery }));
  }

  /** Who is asked about opaque tokens; undefined: nobody, they are refused. */
  protected introspector(setup: AuthSetup): Introspector | undefined {
    return setup.introspection && new Rfc7662Introspector(this.parts.egress, setup.introspection);
  }
}
