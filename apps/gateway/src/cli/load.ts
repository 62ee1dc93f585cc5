import { configFrom, type LoadedConfig, type LoadOptions, loadConfig, type NoConfig } from '#libs/config';
import { DEMO_SETTINGS } from '../demo/demo-config.js';
import { ExternalSecrets } from '../secrets/external-secrets.js';
import { PACKAGE_ROOT } from '../version.js';

export interface ConfigFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** Variables the configuration may use; `MCP_GATEWAY_HOME` is the gateway's own folder unless it is set. */
function configEnv(): Record<string, string | undefined> {
  return { MCP_GATEWAY_HOME: PACKAGE_ROOT, ...process.env };
}

/** The configuration that flags and environment name, and the secrets that plug-ins keep for it. */
export class ConfigFinder {
  readonly #secrets = new ExternalSecrets();

  constructor(private readonly flags: ConfigFlags) {}

  /** Reads secrets anew, and then as `find`. */
  async load(): Promise<LoadedConfig | NoConfig> {
    await this.refresh();
    return this.find();
  }

  /** @throws GatewayError PLUGIN_INVALID, CONFIG_INVALID; ConfigError */
  refresh(): Promise<void> {
    return this.#secrets.refresh(this.#options());
  }

  /** With the secrets of the last `refresh`. @throws ConfigError, GatewayError CONFIG_INVALID */
  find(): LoadedConfig | NoConfig {
    return loadConfig({ ...this.#options(), secrets: this.#secrets.readers });
  }

  /** The configuration to serve: the file's, or the demo's when there is none. With the secrets of the last `refresh`. */
  toServe(): LoadedConfig {
    const found = this.find();
    return found.kind === 'loaded' ? found : configFrom(DEMO_SETTINGS, { env: configEnv(), overrides: this.flags });
  }

  #options(): LoadOptions {
    const { config, ...overrides } = this.flags;
    return { file: config, env: configEnv(), overrides };
  }
}

/** The configuration to serve, with secrets as they are now. @throws as `ConfigFinder.load` */
export async function configToServe(flags: ConfigFlags): Promise<LoadedConfig> {
  const finder = new ConfigFinder(flags);
  await finder.refresh();
  return finder.toServe();
}
