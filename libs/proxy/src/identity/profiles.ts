import type { ProxyConfig } from '#libs/config';
import { matchesGlob, type Spelling } from '#libs/kernel';

/** What is known of one host: how its model API wants names spelled. It never changes what a caller may do. */
export interface ClientProfile {
  /** Glob over `clientInfo.name`; also the profile's name in logs and the key that overrides it in `proxy.clients`. */
  readonly client: string;
  readonly separator: string;
  readonly maxLength: number;
}

/**
 * Hosts whose model API refuses a whole request over one name with `:` or with more than 64 characters. Claude Code puts
 * `mcp__<alias>__` in front, so it gets what is left of 64 with a short alias.
 */
export const BUILT_IN_PROFILES: readonly ClientProfile[] = [
  { client: 'claude-code', separator: '__', maxLength: 48 },
  { client: 'claude-ai*', separator: '__', maxLength: 64 },
  { client: 'Anthropic*', separator: '__', maxLength: 64 },
  { client: 'cursor*', separator: '__', maxLength: 60 },
  { client: 'Visual Studio Code*', separator: '__', maxLength: 64 },
  { client: 'codex*', separator: '__', maxLength: 48 },
  { client: 'openai*', separator: '__', maxLength: 64 },
  { client: 'ChatGPT*', separator: '__', maxLength: 64 },
  { client: 'github-copilot*', separator: '__', maxLength: 64 },
  { client: 'windsurf*', separator: '__', maxLength: 60 },
  { client: 'Cline*', separator: '__', maxLength: 64 },
  { client: 'Roo*', separator: '__', maxLength: 64 },
  { client: 'librechat*', separator: '__', maxLength: 64 },
  { client: 'gemini-cli*', separator: '__', maxLength: 63 },
];

/** The spelling for a client of this name, and the profile it came from (undefined: the configured default). */
export function spellingFor(
  clientName: string,
  proxy: Pick<ProxyConfig, 'naming' | 'clients'>,
): { spelling: Spelling; profile: string | undefined } {
  const standard = { separator: proxy.naming.separator, maxLength: proxy.naming.max_length };
  for (const [pattern, configured] of Object.entries(proxy.clients)) {
    if (!matchesName(pattern, clientName)) continue;
    const builtIn = BUILT_IN_PROFILES.find((known) => known.client === pattern);
    return {
      profile: pattern,
      spelling: {
        separator: configured.separator ?? builtIn?.separator ?? standard.separator,
        maxLength: configured.max_length ?? builtIn?.maxLength ?? standard.maxLength,
      },
    };
  }
  const known = BUILT_IN_PROFILES.find((candidate) => matchesName(candidate.client, clientName));
  if (!known) return { spelling: standard, profile: undefined };
  return {
    profile: known.client,
    spelling: { separator: known.separator, maxLength: Math.min(known.maxLength, standard.maxLength) },
  };
}

/** `*` stands for any run of characters; letter case is ignored, because hosts change it between releases. */
export function matchesName(pattern: string, name: string): boolean {
  return matchesGlob(pattern.toLowerCase(), name.toLowerCase());
}
