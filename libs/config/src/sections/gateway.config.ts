import 'reflect-metadata';
import { Secret } from '#libs/kernel';
import { SecretList, TextList } from '../fields/collections.js';
import { strengthFlaw } from '../fields/formats.js';
import { Choice, Flag, Text } from '../fields/leaf.js';
import { Section, SectionList } from '../fields/nested.js';
import { ApiKeyConfig, AuthConfig } from './auth.config.js';
import { OauthConfig } from './oauth.config.js';
import { AuditConfig, LogConfig, MetricsConfig, TracingConfig } from './observability.config.js';
import { ProxyConfig } from './proxy.config.js';
import { RateLimitConfig } from './rate-limit.config.js';
import { ServerConfig } from './server.config.js';

export class StoreConfig {
  @Choice(['memory', 'redis'], { doc: 'Where counters and tokens live. redis is not available yet. Needs a restart.' })
  type: 'memory' | 'redis' = 'memory';

  @Text({ doc: 'redis: its URL.', nullable: true })
  url: string | null = null;
}

export class AdminConfig {
  @Flag({ doc: 'Not available yet.' })
  enabled = false;

  @SecretList({ doc: 'Keys of administrators. At least 32 characters each.', flaw: strengthFlaw })
  keys: Secret[] = [];
}

/** The whole configuration. */
export class GatewayConfig {
  @Section(() => ServerConfig, 'The front door.')
  server = new ServerConfig();

  @Section(() => OauthConfig, 'Access tokens: who issues them, what they must carry.')
  oauth = new OauthConfig();

  @SectionList(() => ApiKeyConfig, 'Bearer keys without an identity provider.')
  api_keys: ApiKeyConfig[] = [];

  @Section(() => AuthConfig, 'Who may use what.')
  auth = new AuthConfig();

  @Section(() => ProxyConfig, 'The upstreams and how they are presented.')
  proxy = new ProxyConfig();

  @SectionList(() => RateLimitConfig, 'How often.')
  rate_limit: RateLimitConfig[] = [];

  @Section(() => LogConfig, 'The log.')
  log = new LogConfig();

  @Section(() => AuditConfig, 'A record of every call and decision.')
  audit = new AuditConfig();

  @Section(() => MetricsConfig, 'Prometheus metrics.')
  metrics = new MetricsConfig();

  @Section(() => TracingConfig, 'Distributed tracing.')
  tracing = new TracingConfig();

  @Section(() => StoreConfig, 'Shared state.')
  store = new StoreConfig();

  @TextList({
    doc: 'Plug-ins to load: paths or package names. Needs a restart.',
    flaw: (name) => (name.trim() === '' ? 'must not be empty' : undefined),
  })
  plugins: string[] = [];

  @Section(() => AdminConfig, 'The administration interface.')
  admin = new AdminConfig();
}
