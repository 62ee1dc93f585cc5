import type { Secret } from '#libs/kernel';

/**
 * Extension point: where secrets are kept. Its name is the scheme: `${vault:kv/n8n#key}` in the configuration is what
 * `vault` reads for `kv/n8n#key`. Built in are `env` and `file`.
 *
 * Asked before the rest of the configuration is known and before Nest starts, so it is made with `new` and nothing is
 * injected: settings of its own come from the environment or from files it knows. Asked again, for everything, at each reload.
 */
export abstract class SecretSource {
  /**
   * The secret, by the text behind `scheme:`, within ten seconds.
   * @throws Error with a sentence that says why not and what to do; it is shown to the operator, so no values in it
   */
  abstract read(reference: string): Secret | Promise<Secret>;
}
