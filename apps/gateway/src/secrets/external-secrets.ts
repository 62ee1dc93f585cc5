import { type LoadOptions, type ReadSecret, type SecretReader, secretReferences } from '#libs/config';
import { messageOf, Secret } from '#libs/kernel';
import { loadPlugins, type SecretSource, secretSourcesOf } from '#libs/plugin';

/** A secret, or why there is none. */
type Found = Secret | string;

/** Milliseconds a source may take for one secret. */
const PATIENCE = 10_000;

/**
 * What plug-ins keep of the configuration's secrets. The configuration is loaded at once and keepers of secrets are not, so
 * `refresh` reads what the file refers to, and `readers` answer from that.
 */
export class ExternalSecrets {
  #sources: ReadonlyMap<string, SecretSource> | undefined;
  #read: ReadonlyMap<string, Found> = new Map();

  constructor(private readonly patience = PATIENCE) {}

  /** One reader per source, for `loadConfig`. */
  get readers(): ReadonlyMap<string, SecretReader> {
    return new Map(
      [...(this.#sources?.keys() ?? [])].map((scheme) => [
        scheme,
        { read: (reference) => revealed(this.#read.get(keyOf(scheme, reference)), scheme, reference) },
      ]),
    );
  }

  /**
   * Reads everything anew that the configuration file refers to. Plug-ins are loaded once, and only when it refers to more
   * than variables and files; what they cannot read becomes a problem of the configuration.
   * @throws GatewayError PLUGIN_INVALID; ConfigError when there is no file to look at
   */
  async refresh(options: LoadOptions): Promise<void> {
    const found = secretReferences(options);
    if (!found || found.references.length === 0) return;
    this.#sources ??= secretSourcesOf(await loadPlugins(found.plugins, { baseDir: found.folder }));
    const read = new Map<string, Found>();
    await Promise.all(
      found.references.map(async ({ scheme, reference }) => {
        const source = this.#sources?.get(scheme);
        if (source) read.set(keyOf(scheme, reference), await this.#readFrom(source, scheme, reference));
      }),
    );
    this.#read = read;
  }

  async #readFrom(source: SecretSource, scheme: string, reference: string): Promise<Found> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.patience} ms`)), this.patience);
    });
    try {
      const secret: unknown = await Promise.race([source.read(reference), late]);
      if (secret instanceof Secret) return secret;
      throw new Error('its read() must return a Secret');
    } catch (thrown) {
      return `the secret source "${scheme}" cannot read it: ${messageOf(thrown)}`;
    } finally {
      clearTimeout(timer);
    }
  }
}

function keyOf(scheme: string, reference: string): string {
  return `${scheme}:${reference}`;
}

function revealed(found: Found | undefined, scheme: string, reference: string): ReadSecret {
  if (found instanceof Secret) return { value: found.reveal() };
  const why = found ?? 'the file changed while it was read; save it once more';
  return { problem: `has \${${scheme}:${reference}}: ${why}` };
}
