// Shape of the configuration after loading: names as in the file, durations in milliseconds, sizes in bytes.
import 'reflect-metadata';
import { Secret } from '#libs/kernel';

export class LimitsConfig {
  body = 4 * 1024 * 1024;
  json_depth = 64;
  json_nodes = 100_000;
  header_count = 100;
  token = 8 * 1024;
  ask = 600_000;
  list_cache = 64 * 1024 * 1024;
  sessions_per_principal = 50;
  streams_per_principal = 10;
  parked_calls = 1000;
  parked_per_principal = 20;
}

export class ServerConfig {
  url = 'http://localhost:8082';
  host = '127.0.0.1';
  port = 8082;
  allow_anonymous = false;
  replicas = 1;
  cors: { allowed_origins: string[] } = { allowed_origins: [] };
  allowed_hosts: string[] = [];
  trusted_proxies: string[] = [];
  session_key: Secret | null = null;
  limits = new LimitsConfig();
  shutdown = { drain: 5_000, timeout: 60_000 };
}

export class ConnectionConfig {
  url?: string;
  timeout = 30_000;
  max_total = 900_000;
  pool = 32;
  limits = { response: 64 * 1024 * 1024, event: 64 * 1024 * 1024 };
  tls: { ca_file: string | null; cert_file: string | null; key_file: string | null; insecure_skip_verify: boolean } = {
    ca_file: null,
    cert_file: null,
    key_file: null,
    insecure_skip_verify: false,
  };
  command?: string;
  args: string[] = [];
  env: Record<string, string> = {};
  cwd: string | null = null;
  /** in-process: name of the server, default the upstream's own. */
  server?: string;
  /** Keys only a plug-in's transport knows. */
  [key: string]: unknown;
}

export class UpstreamConfig {
  name!: string;
  type!: string;
  connection = new ConnectionConfig();
  auth: Record<string, unknown> & { type: string } = { type: 'none' };
  forward_headers: string[] = [];
  protocol: 'auto' | 'legacy' | 'modern' = 'auto';
  state: 'auto' | 'none' | 'user' | 'session' = 'auto';
  required = false;
  enabled = true;
  prefix: string | null = null;
  tools: { include: string[]; exclude: string[]; overrides: Record<string, unknown> } = {
    include: ['*'],
    exclude: [],
    overrides: {},
  };
}

export interface ClientProfileConfig {
  separator?: string;
  max_length?: number;
  tolerate: string[];
}

export interface ToolsetConfig {
  include: string[];
  exclude: string[];
}

export class ProxyConfig {
  naming = { separator: ':', max_length: 128 };
  discovery = { interval: 60_000 };
  heartbeat = { enabled: true, interval: 10_000, timeout: 5_000, failures: 3 };
  retry = { initial: 500, max: 60_000, multiplier: 2 };
  grace = 300_000;
  parking: 'on' | 'off' = 'on';
  egress: { allow_private: boolean; deny: string[] } = { allow_private: true, deny: [] };
  servers: UpstreamConfig[] = [];
  toolsets: Record<string, ToolsetConfig> = {};
  clients: Record<string, ClientProfileConfig> = {};
}

export class LogConfig {
  level = 'info';
  format: 'json' | 'text' = 'json';
}

export class MetricsConfig {
  enabled = true;
  path = '/metrics';
  token: Secret | null = null;
  listen: string | null = null;
}

export class GatewayConfig {
  server = new ServerConfig();
  proxy = new ProxyConfig();
  log = new LogConfig();
  metrics = new MetricsConfig();
  plugins: string[] = [];
}

// keeps Secret a value import for decorators
export type { Secret };
