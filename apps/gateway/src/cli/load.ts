import { configFrom, type LoadedConfig, loadConfig, type Overrides } from '#libs/config';
import { DEMO_SETTINGS } from '../demo/demo-config.js';
import { PACKAGE_ROOT } from '../version.js';

export interface ConfigFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** Variables the configuration may use; `MCP_GATEWAY_HOME` is the gateway's own folder unless it is set. */
export function configEnv(): Record<string, string | undefined> {
  return { MCP_GATEWAY_HOME: PACKAGE_ROOT, ...process.env };
}

/** @throws ConfigError, GatewayError CONFIG_INVALID */
export function findConfig({ config, ...flags }: ConfigFlags) {
  const overrides: Overrides = flags;
  return loadConfig({ file: config, env: configEnv(), overrides });
}

/** The configuration to serve: the file's, or the demo's when there is none. */
export function configToServe(flags: ConfigFlags): LoadedConfig {
  const found = findConfig(flags);
  if (found.kind === 'loaded') return found;
  return configFrom(DEMO_SETTINGS, { env: configEnv(), overrides: flags });
}
