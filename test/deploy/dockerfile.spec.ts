import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/processes.js';
import { environment, inherited, last, stages } from './dockerfile.js';
import { needing, tool } from './tool.js';

const hadolint = tool('hadolint');
const all = stages();

describe('the Dockerfile', () => {
  it.skipIf(!hadolint)(`has nothing that hadolint objects to${needing('hadolint', hadolint)}`, () => {
    const report = execFileSync(hadolint!, ['--format', 'json', join(ROOT, 'Dockerfile')]).toString();
    expect(JSON.parse(report)).toEqual([]);
  });

  it.each(['slim', 'runners'])('runs %s as nobody in particular, below tini', (variant) => {
    const instructions = inherited(all, variant);
    expect(last(instructions, 'USER')).toBe('1000:1000');
    expect(JSON.parse(last(instructions, 'ENTRYPOINT') ?? 'null')).toEqual([
      ...['tini', '--', 'node', '/opt/mcp-gateway/bin/mcp-gateway.js'],
    ]);
    expect(JSON.parse(last(instructions, 'CMD') ?? 'null')).toEqual(['serve']);
  });

  it('has the version of the gateway in its label', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(last(inherited(all, 'slim'), 'LABEL')).toContain(`org.opencontainers.image.version="${version}"`);
  });

  it('makes slim where no target is named', () => {
    expect([...all.keys()].at(-1)).toBe('slim');
  });

  it('has the published example as its configuration, word for word', () => {
    const copies = inherited(all, 'slim').filter(({ name }) => name === 'COPY');
    expect(copies.map(({ text }) => text)).toContain('config/examples/published-1.yaml /etc/mcp-gateway/config.yaml');
    expect(last(inherited(all, 'slim'), 'WORKDIR')).not.toBe('/opt/mcp-gateway');
  });

  it('listens where the port is published, on the port it exposes and asks after', () => {
    const instructions = inherited(all, 'slim');
    const { MCP_GATEWAY_HOST, MCP_GATEWAY_PORT } = environment(instructions);
    expect(MCP_GATEWAY_HOST).toBe('0.0.0.0');
    expect(last(instructions, 'EXPOSE')).toBe(MCP_GATEWAY_PORT);
    expect(last(instructions, 'HEALTHCHECK')).toMatch(
      /CMD \["node", "\/opt\/mcp-gateway\/healthcheck\.mjs", "live"\]$/,
    );
  });

  it('takes no development dependency into an image, and no script of a package runs at build', () => {
    const installs = [...all.values()].flatMap(({ instructions, name }) =>
      instructions.filter(({ text }) => text.startsWith('npm ci')).map(({ text }) => ({ name, text })),
    );
    expect(installs.map(({ name }) => name)).toEqual(['build', 'dependencies']);
    for (const { text } of installs) expect(text).toContain('--ignore-scripts');
    expect(installs[1]?.text).toContain('--omit=dev');
    const modules = inherited(all, 'slim').filter(
      ({ text }) => text.endsWith('node_modules') && !text.startsWith('rm'),
    );
    expect(modules.map(({ flags }) => flags['from'])).toEqual(['dependencies']);
  });
});

describe('.dockerignore', () => {
  it('lets in what the Dockerfile copies, by name, and nothing else', () => {
    const rules = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(rules[0]).toBe('*');
    const allowed = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
    const copied = [...all.values()]
      .flatMap(({ instructions }) => instructions)
      .filter(({ flags, name }) => name === 'COPY' && flags['from'] === undefined)
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    const inside = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
    for (const path of copied) expect(allowed.filter((rule) => inside(path, rule))).not.toEqual([]);
    for (const rule of allowed) expect(copied.filter((path) => inside(path, rule))).not.toEqual([]);
    expect(rules).toContain('config/config.yaml');
  });
});
