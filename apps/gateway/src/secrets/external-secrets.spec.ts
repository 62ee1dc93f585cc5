import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LoadedConfig, type LoadOptions, loadConfig } from '#libs/config';
import { ExternalSecrets } from './external-secrets.js';

const VAULT = join(import.meta.dirname, '../../../../test/fixtures/plugins/secrets/vault.mjs');

let folder: string;
const before = process.env['EXAMPLE_VAULT'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vault-'));
  process.env['EXAMPLE_VAULT'] = join(folder, 'vault.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env['EXAMPLE_VAULT'];
  else process.env['EXAMPLE_VAULT'] = before;
});

const TOKEN = 'canary-of-the-vault-0123456789abcdef';
const keep = (secrets: object) => writeFileSync(join(folder, 'vault.json'), JSON.stringify(secrets));

async function load(
  secrets: ExternalSecrets,
  token: string,
  plugins: readonly string[] = [VAULT],
): Promise<LoadedConfig> {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify({ plugins, metrics: { token } }));
  const options: LoadOptions = { file, env: { A: 'x' } };
  await secrets.refresh(options);
  return loadConfig({ ...options, secrets: secrets.readers }) as LoadedConfig;
}

describe('secrets that plug-ins keep', () => {
  it('are read before the configuration is loaded, and anew each time', async () => {
    const secrets = new ExternalSecrets();
    keep({ 'gateway/metrics': TOKEN });
    const first = await load(secrets, '${vault:gateway/metrics}');
    expect(first.config.metrics.token?.reveal()).toBe(TOKEN);
    expect(first.warnings).toEqual([]);
    keep({ 'gateway/metrics': `${TOKEN}-2` });
    expect((await load(secrets, '${vault:gateway/metrics}')).config.metrics.token?.reveal()).toBe(`${TOKEN}-2`);
  });

  it('are found however the file spells the reference', async () => {
    keep({ a: TOKEN });
    const file = join(folder, 'config.yaml');
    writeFileSync(file, `plugins: [${JSON.stringify(VAULT)}]\nmetrics: { token: "\\x24\\u007bvault:a}" }\n`);
    const options: LoadOptions = { file, env: {} };
    const secrets = new ExternalSecrets();
    await secrets.refresh(options);
    const { config } = loadConfig({ ...options, secrets: secrets.readers }) as LoadedConfig;
    expect(config.metrics.token?.reveal()).toBe(TOKEN);
  });

  it('may stand beside other text and other references', async () => {
    keep({ a: TOKEN });
    const { config } = await load(new ExternalSecrets(), '${A}-${vault:a}');
    expect(config.metrics.token?.reveal()).toBe(`x-${TOKEN}`);
  });

  it('are problems of the configuration when they cannot be read, with the place and never with a value', async () => {
    keep({ a: TOKEN });
    const refused = load(new ExternalSecrets(), '${vault:b}');
    await expect(refused).rejects.toThrow(
      /\$\.metrics\.token: has \$\{vault:b\}: the secret source "vault" cannot read it: there is nothing at "b"/,
    );
    await expect(refused).rejects.not.toThrow(/canary/);
  });

  it('that are never answered are given up', async () => {
    const plugin = join(folder, 'slow.mjs');
    writeFileSync(
      plugin,
      `import { Module } from '@nestjs/common';
       import { Extension, SecretSource } from 'mcp-gateway/plugin';
       class Slow extends SecretSource { read(reference) { return reference === 'text' ? 'plain' : new Promise(() => {}); } }
       Extension(SecretSource, { name: 'slow', api: '1.0' })(Slow);
       export default class SlowPlugin {}
       Module({ providers: [Slow] })(SlowPlugin);`,
    );
    const secrets = new ExternalSecrets(20);
    await expect(load(secrets, '${slow:x}', [plugin])).rejects.toThrow(/no answer within 20 ms/);
    await expect(load(secrets, '${slow:text}', [plugin])).rejects.toThrow(/must return a Secret/);
  });

  it('of an unknown scheme name the known ones', async () => {
    keep({});
    await expect(load(new ExternalSecrets(), '${valt:a}')).rejects.toThrow(
      /no secret source "valt" \(known: env, file, vault\); is its plug-in listed under plugins:\?/,
    );
    await expect(load(new ExternalSecrets(), '${vault:a}', [])).rejects.toThrow(/\(known: env, file\)/);
  });

  it('are nobody’s business where the file refers to variables and files alone', async () => {
    const { config } = await load(new ExternalSecrets(), '${A}-0123456789-abcdefghijklmnopqrstuv', [
      './is-not-there.mjs',
    ]);
    expect(config.metrics.token?.reveal()).toMatch(/^x-/);
  });
});
