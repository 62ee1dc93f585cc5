import { GatewayError, messageOf } from '#libs/kernel';
import { equalConfig } from './equal.js';
import { deepFreeze } from './load/freeze.js';
import type { LoadedConfig } from './load/load-config.js';
import { ConfigError, type Problem } from './load/problems.js';
import * as refs from './refs.js';
import { listenProblem } from './report/listen.js';
import type { GatewayConfig } from './sections/gateway.config.js';
import { LogConfig, MetricsConfig } from './sections/observability.config.js';
import { LimitsConfig, ServerConfig } from './sections/server.config.js';

/** Every section that has a ref, by its key in the file. */
export interface SectionRefs {
  readonly server: refs.ServerConfigRef;
  readonly oauth: refs.OauthConfigRef;
  readonly api_keys: refs.ApiKeysConfigRef;
  readonly auth: refs.AuthConfigRef;
  readonly proxy: refs.ProxyConfigRef;
  readonly rate_limit: refs.RateLimitConfigRef;
  readonly log: refs.LogConfigRef;
  readonly audit: refs.AuditConfigRef;
  readonly metrics: refs.MetricsConfigRef;
}

export type ReloadResult =
  | {
      readonly kind: 'applied';
      /** Sections that changed, by key. */
      readonly changed: readonly string[];
      /** Settings that changed in the file and keep their old value until a restart. */
      readonly restart: readonly string[];
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: 'kept'; readonly problems: readonly Problem[]; readonly message: string };

export interface LiveConfigOptions {
  /** Loads the configuration anew; absent when it does not come from a file. @throws ConfigError */
  readonly load?: () => LoadedConfig;
  /** A listener of a ref threw. */
  readonly onListenerError?: (thrown: unknown) => void;
}

/** Reasons to refuse a configuration that this room cannot know. */
export type ConfigCheck = (config: GatewayConfig) => readonly Problem[];

/** Owns the running configuration: the refs everybody injects, and the only place that changes them. */
export class LiveConfig {
  readonly gateway: refs.GatewayConfigRef;
  readonly sections: SectionRefs;
  #loaded: LoadedConfig;
  #check: ConfigCheck = () => [];

  constructor(
    initial: LoadedConfig,
    private readonly options: LiveConfigOptions = {},
  ) {
    const { config } = initial;
    this.#loaded = initial;
    this.gateway = new refs.GatewayConfigRef(config);
    this.sections = {
      server: new refs.ServerConfigRef(config.server),
      oauth: new refs.OauthConfigRef(config.oauth),
      api_keys: new refs.ApiKeysConfigRef(config.api_keys),
      auth: new refs.AuthConfigRef(config.auth),
      proxy: new refs.ProxyConfigRef(config.proxy),
      rate_limit: new refs.RateLimitConfigRef(config.rate_limit),
      log: new refs.LogConfigRef(config.log),
      audit: new refs.AuditConfigRef(config.audit),
      metrics: new refs.MetricsConfigRef(config.metrics),
    };
  }

  /** The configuration in force. */
  get current(): GatewayConfig {
    return this.gateway.current;
  }

  /** The last successful load: its file, the files it referred to, what they held. */
  get source(): LoadedConfig {
    return this.#loaded;
  }

  /**
   * Has the configuration in force, and every later one, pass one more check: e.g. what transports say of their settings.
   * @throws ConfigError when the one in force does not pass
   */
  checkWith(check: ConfigCheck): void {
    this.#check = check;
    const problems = check(this.current).map(this.#loaded.locate);
    if (problems.length > 0) throw new ConfigError(problems, this.#loaded.file);
  }

  /**
   * Loads anew and swaps all sections at once; listeners run when every ref has its new value. With problems nothing
   * changes. Sections that are equal keep their identity and tell nobody. Never throws.
   */
  reload(): ReloadResult {
    if (!this.options.load) return kept([{ path: '$', message: 'this configuration does not come from a file' }]);
    let loaded: LoadedConfig;
    try {
      loaded = this.options.load();
    } catch (thrown) {
      if (thrown instanceof ConfigError) return kept(thrown.problems, thrown.message);
      return kept([{ path: '$', message: thrown instanceof GatewayError ? thrown.message : messageOf(thrown) }]);
    }
    // a file that is away for a moment must not let another configuration, or the demo, in
    if (loaded.path !== this.#loaded.path) {
      return kept([{ path: '$', message: `the file ${this.#loaded.path} is gone` }]);
    }
    const { config, restart } = keepUntilRestart(this.current, loaded.config);
    const refusals = [...serveProblems(config), ...this.#check(config)].map(loaded.locate);
    if (refusals.length > 0) return kept(refusals, new ConfigError(refusals, loaded.file).message);
    this.#loaded = loaded;
    return { kind: 'applied', changed: this.#swap(config), restart, warnings: loaded.warnings };
  }

  #swap(next: GatewayConfig): readonly string[] {
    const previous = this.current;
    const values = shareEqual(previous, next);
    const changed = Object.keys(values).filter(
      (key) => values[key as keyof GatewayConfig] !== previous[key as keyof GatewayConfig],
    );
    if (changed.length === 0) return changed;
    const tell = [this.gateway.swap(values)];
    for (const [key, ref] of Object.entries(this.sections)) tell.push(ref.swap(values[key as keyof SectionRefs]));
    const onError = this.options.onListenerError ?? (() => {});
    for (const notify of tell) notify(onError);
    return changed;
  }
}

/** Why the gateway must not serve a configuration that is right in itself: who could reach it. */
export function serveProblems(config: GatewayConfig): readonly Problem[] {
  const listen = listenProblem(config);
  return listen ? [listen] : [];
}

function kept(problems: readonly Problem[], message = new ConfigError(problems, undefined).message): ReloadResult {
  return { kind: 'kept', problems, message };
}

/** Sections that did not change keep their identity, so that their listeners stay quiet. */
function shareEqual(previous: GatewayConfig, next: GatewayConfig): GatewayConfig {
  const shared = Object.assign(Object.create(Object.getPrototypeOf(next)), next) as Record<string, unknown>;
  for (const [key, value] of Object.entries(previous)) if (equalConfig(value, shared[key])) shared[key] = value;
  return Object.freeze(shared) as unknown as GatewayConfig;
}

/** They belong to the listening socket. */
const CONNECTION_LIMITS = [
  'header_size',
  'headers_timeout',
  'request_timeout',
  'keep_alive',
  'requests_per_connection',
] as const;

/** Settings that are read once at start keep their value; the names of those that would have changed are told. */
function keepUntilRestart(previous: GatewayConfig, next: GatewayConfig): { config: GatewayConfig; restart: string[] } {
  const restart: string[] = [];
  const keep = <T extends object, K extends keyof T & string>(from: T, to: T, key: K, name: string) => {
    if (!equalConfig(from[key], to[key])) restart.push(name);
    to[key] = from[key];
  };
  const server = Object.assign(new ServerConfig(), next.server);
  keep(previous.server, server, 'host', 'server.host');
  keep(previous.server, server, 'port', 'server.port');
  keep(previous.server, server, 'session_key', 'server.session_key');
  server.limits = Object.assign(new LimitsConfig(), server.limits);
  for (const key of CONNECTION_LIMITS) keep(previous.server.limits, server.limits, key, `server.limits.${key}`);
  const metrics = Object.assign(new MetricsConfig(), next.metrics);
  keep(previous.metrics, metrics, 'path', 'metrics.path');
  keep(previous.metrics, metrics, 'max_series', 'metrics.max_series');
  const log = Object.assign(new LogConfig(), next.log);
  keep(previous.log, log, 'max_line', 'log.max_line');
  const config = Object.assign(Object.create(Object.getPrototypeOf(next)) as GatewayConfig, next, {
    server,
    metrics,
    log,
  });
  keep(previous, config, 'plugins', 'plugins');
  keep(previous, config, 'store', 'store');
  return { config: deepFreeze(config), restart };
}
