import type { GatewayConfig, Problem } from '#libs/config';
import { AuthProvider, type ExtensionPoint } from '#libs/plugin';
import type { IssuerStep } from './keys/walk-issuer.js';
import { OidcProvider } from './providers/oidc-provider.js';
import { setupOf } from './setup.js';

/** Where the known providers are found. The plug-in registry fits. */
export interface KnownProviders {
  all<T extends object>(point: ExtensionPoint<T>): ReadonlyMap<string, T>;
}

/** What the provider named in `oauth.provider`, built in or of a plug-in, says of its settings. Contacts nobody. */
export function authProblems(config: Pick<GatewayConfig, 'server' | 'oauth'>, extensions: KnownProviders): Problem[] {
  const { oauth } = config;
  if (!oauth.enabled) return [];
  const providers = extensions.all(AuthProvider);
  const provider = providers.get(oauth.provider);
  if (provider) return provider.validate(setupOf(config)).map(toProblem);
  const known = [...providers.keys()].sort().join(', ');
  const message = `there is no provider "${oauth.provider}"; known are ${known}, and those of plug-ins listed under plugins: (a new plug-in needs a restart)`;
  return [{ path: '$.oauth.provider', message }];
}

/** What that provider finds doubtful: most of all, why nobody could get in. Contacts nobody. */
export function authWarnings(config: Pick<GatewayConfig, 'server' | 'oauth'>, extensions: KnownProviders): Problem[] {
  const { oauth } = config;
  const provider = oauth.enabled ? extensions.all(AuthProvider).get(oauth.provider) : undefined;
  return provider ? provider.warnings(setupOf(config)).map(toProblem) : [];
}

/**
 * Goes to every issuer as the verification of a token would, and tells of each step. Providers of plug-ins have ways of their
 * own: of those nothing is told.
 */
export async function examineIssuers(
  config: Pick<GatewayConfig, 'server' | 'oauth'>,
  extensions: KnownProviders,
): Promise<readonly IssuerStep[]> {
  const { oauth } = config;
  const provider = oauth.enabled ? extensions.all(AuthProvider).get(oauth.provider) : undefined;
  return provider instanceof OidcProvider ? provider.examine(setupOf(config)) : [];
}

/** A sentence starts with the key it is about: `audience: needs …`. */
function toProblem(sentence: string): Problem {
  const [, key, message] = /^([A-Za-z_][\w-]*(?:[.[][\w\].[-]*)?): (.*)$/s.exec(sentence) ?? [];
  return key === undefined
    ? { path: '$.oauth', message: sentence }
    : { path: `$.oauth.${key}`, message: message ?? '' };
}
