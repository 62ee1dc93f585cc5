import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type GatewayConfig, loadConfig } from '#libs/config';
import { principal } from '#libs/kernel';
import { parseObject } from './explain.js';
import { Policy } from './policy.js';

const page = readFileSync(join(import.meta.dirname, '../../../docs/permissions.md'), 'utf8');
const example = page.slice(page.indexOf('## Worked example'), page.indexOf('## Ask why'));

/** The configuration as the page shows it, checked like any other. */
function shown(): { config: GatewayConfig; warnings: readonly unknown[] } {
  const folder = mkdtempSync(join(tmpdir(), 'worked-example-'));
  try {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, /```yaml\n([\s\S]*?)```/.exec(example)?.[1] ?? '');
    const loaded = loadConfig({ file, env: {} });
    if (loaded.kind === 'none') throw new Error('no configuration');
    return loaded;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rows of the page's table: claims, object, listed, what a use is. */
const rows = [...example.matchAll(/^\| `(\{.*?\})` \| `(\S+)` \| (yes|no) \| (.+?) \|/gm)].map(
  ([, claims = '', object = '', listed = '', use = '']) => ({ claims, object, listed, use }),
);

describe('the worked example of docs/permissions.md', () => {
  const { config, warnings } = shown();
  const policy = new Policy(config);

  it('is a configuration nothing is to be said against', () => {
    expect(warnings).toEqual([]);
    expect(rows.length).toBeGreaterThanOrEqual(16);
  });

  it.each(rows)('$claims and $object: $use', ({ claims, object, listed, use }) => {
    const who = principal('https://acme.okta.com/oauth2/default', 'somebody', { claims: JSON.parse(claims) });
    const decision = policy.decide(who, parseObject(object)!);
    const asked = /^step-up for (.*)$/.exec(use)?.[1]?.replaceAll('`', '').split(', ');
    const said = { forwarded: 'allow', unknown: 'hide' }[use] ?? 'challenge';
    expect(decision.effect).toBe(said);
    expect(decision.effect !== 'hide').toBe(listed === 'yes');
    if (decision.effect === 'challenge') expect(decision.scopes).toEqual(asked);
  });
});
