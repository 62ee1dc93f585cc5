import { isLoopbackHost } from '#libs/kernel';
import type { AuthSetup } from '#libs/plugin';

/** What is wrong with a value of a provider's own block; undefined when nothing is. */
export type SettingRule = (value: unknown) => string | undefined;

/** Judges the block named after a provider: keys it does not have, values it cannot use. */
export function settingsFlaws(
  provider: string,
  { settings }: AuthSetup,
  rules: Readonly<Record<string, SettingRule>>,
): readonly string[] {
  const known = Object.keys(rules);
  return Object.entries(settings).flatMap(([key, value]) => {
    if (!Object.hasOwn(rules, key)) {
      return [
        `${provider}.${key}: is no setting of ${provider} (${known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'})`,
      ];
    }
    const flaw = value === null ? undefined : rules[key]?.(value);
    return flaw === undefined ? [] : [`${provider}.${key}: ${flaw}`];
  });
}

export function oneOf(...choices: readonly string[]): SettingRule {
  return (value) => (choices.includes(value as string) ? undefined : `must be one of ${choices.join(', ')}`);
}

export const text: SettingRule = (value) =>
  typeof value === 'string' && value !== '' && !/\p{Cc}/u.test(value) ? undefined : 'must be text';

/** https, or this machine. */
export const endpoint: SettingRule = (value) => {
  if (typeof value !== 'string' || !URL.canParse(value)) return 'must be a URL like https://host/path';
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
    ? undefined
    : 'must be an https:// URL';
};

/** A text setting that is there. */
export function textSetting({ settings }: AuthSetup, key: string): string | undefined {
  const value = Object.hasOwn(settings, key) ? settings[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** One sentence per issuer that has this flaw. */
export function issuerFlaws({ issuers }: AuthSetup, flawOf: (issuer: string) => string | undefined): readonly string[] {
  return issuers.flatMap((issuer, index) => {
    const flaw = flawOf(issuer);
    return flaw === undefined ? [] : [`authorization_servers[${index}]: ${flaw}`];
  });
}
