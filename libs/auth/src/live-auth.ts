import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { GatewayConfigRef } from '#libs/config';
import { type Authenticator, AuthProvider, ExtensionRegistry, GatewayLog } from '#libs/plugin';
import { Anonymous } from './anonymous.js';
import { ApiKeys } from './api-keys.js';
import { AuthChain } from './auth-chain.js';
import { authWarnings } from './auth-problems.js';
import { type AuthSections, authenticationOn, setupOf } from './setup.js';

/**
 * Keeps one chain equal to the configuration: what it says is compiled into authenticators, which replace the earlier ones
 * all at once. Which there are follows from the configuration alone, never from what is installed, and never from how
 * a check ends.
 */
@Injectable()
export class LiveAuth implements OnModuleInit, OnApplicationShutdown {
  readonly chain: AuthChain;
  #steps: readonly Authenticator[] = [];
  #stop: () => void = () => {};

  constructor(
    private readonly config: GatewayConfigRef,
    private readonly extensions: ExtensionRegistry,
    private readonly log: GatewayLog,
  ) {
    this.chain = new AuthChain([], log);
  }

  onModuleInit(): void {
    this.#apply(this.config.current);
    this.#stop = this.config.onChange((next, previous) => {
      if (concerns(next, previous)) this.#apply(next);
    });
  }

  onApplicationShutdown(): void {
    this.#stop();
    for (const step of this.#steps) step.close?.();
  }

  #apply(config: AuthSections): void {
    const previous = this.#steps;
    const anonymous = !authenticationOn(config);
    const steps: readonly Authenticator[] = anonymous ? [new Anonymous()] : this.#authenticators(config);
    this.#steps = steps;
    this.chain.replace(steps, { maxTokenLength: config.server.limits.token, anonymous });
    for (const step of previous) step.close?.();
    for (const step of steps) void step.warmUp?.();
    this.#say(config);
  }

  #authenticators(config: AuthSections): Authenticator[] {
    const { oauth, api_keys } = config;
    const steps: Authenticator[] = [];
    if (api_keys.length > 0) steps.push(new ApiKeys(api_keys));
    if (oauth.enabled) steps.push(this.extensions.get(AuthProvider, oauth.provider).open(setupOf(config)));
    return steps;
  }

  /** Which rules are in force, and what makes it doubtful that anybody gets in. */
  #say(config: AuthSections): void {
    const { oauth, api_keys } = config;
    if (api_keys.length > 0) this.log.info({ keys: api_keys.map(({ name }) => name) }, 'API keys are accepted');
    if (!oauth.enabled) return;
    const setup = setupOf(config);
    const provider = this.extensions.get(AuthProvider, oauth.provider);
    this.log.info(
      {
        provider: oauth.provider,
        issuers: setup.issuers,
        audiences: [setup.resource, ...setup.audience],
        algorithms: setup.algorithms,
        rules: provider.describe(setup),
      },
      'access tokens are required',
    );
    for (const { path, message } of authWarnings(config, this.extensions)) {
      this.log.warn({}, `configuration: ${path}: ${message}`);
    }
  }
}

function concerns(next: AuthSections, previous: AuthSections): boolean {
  return next.oauth !== previous.oauth || next.api_keys !== previous.api_keys || next.server !== previous.server;
}
