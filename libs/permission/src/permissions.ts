import { Injectable } from '@nestjs/common';
import { ApiKeysConfigRef, AuthConfigRef, OauthConfigRef } from '#libs/config';
import type { ObjectRef, Principal } from '#libs/kernel';
import { Decide, type Decision } from '#libs/plugin';
import { Policy, type PolicyConfig } from './policy.js';

/**
 * Today's policy. It is looked up at every question and compiled when its configuration is another one, so that nobody can
 * be answered by yesterday's, whoever hears of a reload first.
 */
@Injectable()
export class Permissions extends Decide {
  readonly #listeners = new Set<() => void>();
  #config: PolicyConfig;
  #policy: Policy;
  #version = 1;
  /** The version that listeners know of. */
  #told = 1;

  constructor(
    private readonly auth: AuthConfigRef,
    private readonly oauth: OauthConfigRef,
    private readonly apiKeys: ApiKeysConfigRef,
  ) {
    super();
    this.#config = this.#configured();
    this.#policy = new Policy(this.#config);
    for (const ref of [auth, oauth, apiKeys]) ref.onChange(() => this.#changed());
  }

  get policyVersion(): number {
    this.#today();
    return this.#version;
  }

  decide(principal: Principal, ref: ObjectRef): Decision {
    return this.#today().decide(principal, ref);
  }

  classOf(principal: Principal): string {
    return this.#today().classOf(principal);
  }

  override mayKnow(principal: Principal, server: string): boolean {
    return this.#today().mayKnow(principal, server);
  }

  override onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #today(): Policy {
    const { auth, oauth, api_keys } = this.#config;
    const isToday = auth === this.auth.current && oauth === this.oauth.current && api_keys === this.apiKeys.current;
    if (!isToday) {
      const config = this.#configured();
      this.#policy = new Policy(config);
      this.#config = config;
      this.#version++;
    }
    return this.#policy;
  }

  /** Sections that change together are one change. */
  #changed(): void {
    if (this.policyVersion === this.#told) return;
    this.#told = this.#version;
    for (const listener of this.#listeners) listener();
  }

  #configured(): PolicyConfig {
    return {
      auth: this.auth.current,
      oauth: this.oauth.current,
      api_keys: this.apiKeys.current as PolicyConfig['api_keys'],
    };
  }
}
