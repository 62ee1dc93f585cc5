import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ConfigError, configFrom, loadConfig, serveProblems, showProblem } from '#libs/config';
import { GatewayError } from '#libs/kernel';
import { wounded } from '../gen/bytes.js';
import { jsonValue } from '../gen/json.js';
import { inProcess, must, type Target } from '../target.js';

const example = (name: string) => readFileSync(new URL(`../../../config/examples/${name}`, import.meta.url), 'utf8');
const FILES = ['published-1.yaml', 'published-2.yaml', 'laptop.yaml', 'team.yaml'].map(example);
/** What must be in no message about a configuration. */
const CANARY = 'canary-in-the-coal-mine-0123456789';
const ENV = {
  OKTA_ISSUER: 'https://x.okta.com/oauth2/default',
  N8N_URL: 'http://n8n',
  N8N_PROXY_KEY: CANARY,
  S: CANARY,
};

const LINES = [
  'a: &a [*a, *a, *a]',
  'b: &b {c: *b}',
  '<<: {server: {port: 1}}',
  '!!js/function "x"',
  '? [complex, key]\n: 1',
  'server: {port: "${S}"}',
  'server:\n  port: ${S}',
  'log: {level: "${S}"}',
  'proxy: {servers: [{name: "${S}", type: stdio}]}',
  '__proto__: {polluted: 1}',
  'constructor: {prototype: {polluted: 1}}',
  'x: ${NOT_SET}',
  'x: ${file:/etc/passwd}',
  'x: ${env:S:-${S}}',
  '- a list',
  '--- \n...\n---',
  '%YAML 9.9',
  'server: !!binary "AAAA"',
  'rate_limit: [{key: ip, match: "***", limit: -1, per: 9999999999h}]',
  'auth: {permissions: {"*:*:*": [], ":": null, "n8n:": "x"}}',
  'server: {host: 0.0.0.0}',
  `api_keys: [{name: "\u0000", key: ${CANARY}}]`,
  '\t- tab',
];
const text = fc.oneof(
  wounded(
    fc.constantFrom(...FILES).map((it) => Buffer.from(it)),
    LINES.map((line) => `\n${line}\n`),
  ),
  fc.array(fc.constantFrom(...LINES), { maxLength: 5 }).map((lines) => Buffer.from(lines.join('\n'))),
  fc.string().map((it) => Buffer.from(it)),
);

const folder = mkdtempSync(join(tmpdir(), 'fuzz-config-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'config.yaml');

/** Loads, or says everything that is wrong and where, without a word of what is secret. */
function outcome(load: () => ReturnType<typeof configFrom> | { kind: 'none' }): boolean {
  try {
    const loaded = load();
    must(loaded.kind === 'loaded', 'there is a file');
    must(Object.isFrozen(loaded.config), 'a configuration that can be changed');
    for (const warning of [...loaded.warnings, ...serveProblems(loaded.config)]) speaks(showProblem(warning, 'f'));
    return true;
  } catch (thrown) {
    must(thrown instanceof GatewayError && thrown.code === 'CONFIG_INVALID', () => `threw ${(thrown as Error).stack}`);
    speaks(thrown.message);
    if (thrown instanceof ConfigError) {
      must(thrown.problems.length > 0, 'refused for nothing');
      for (const { path, line } of thrown.problems)
        must(path.startsWith('$') && (line ?? 1) >= 1, `at ${path}:${line}`);
    }
    return false;
  } finally {
    must(!('polluted' in {}), 'the prototype of all objects is polluted');
  }
}

function speaks(message: string): void {
  must(!message.includes(CANARY), 'a secret in a message');
  must(message.length < 200_000, `${message.length} characters`);
}

function checkFile(bytes: Buffer): boolean {
  writeFileSync(file, bytes);
  return outcome(() => loadConfig({ file, env: ENV }));
}

const SECTIONS = [
  'server',
  'oauth',
  'api_keys',
  'auth',
  'proxy',
  'rate_limit',
  'log',
  'audit',
  'metrics',
  'store',
  'plugins',
];
const settings = fc.dictionary(fc.oneof(fc.constantFrom(...SECTIONS), fc.string()), jsonValue, {
  maxKeys: 3,
  noNullPrototype: true,
});

export const CONFIG_TARGETS: readonly Target[] = [
  inProcess('config-files', 7, text, checkFile),
  inProcess('config-values', 5, settings, (value) => outcome(() => configFrom(value))),
];
