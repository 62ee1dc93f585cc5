import type { UpstreamTarget } from '#libs/plugin';

/** Problems with the URL of an HTTP upstream, each a sentence that starts with the key. */
export function urlProblems(target: UpstreamTarget): readonly string[] {
  if (!target.url) return [`url: is required for ${target.type}, for example http://127.0.0.1:3000/mcp`];
  if (!URL.canParse(target.url)) return ['url: must be an absolute URL, for example https://mcp.example.com/mcp'];
  const url = new URL(target.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return ['url: must start with http:// or https://'];
  const problems: string[] = [];
  if (url.username || url.password)
    problems.push('url: must not carry a user name or password; use auth of type basic');
  if (url.hash) problems.push('url: must not have a fragment (#…)');
  return problems;
}
