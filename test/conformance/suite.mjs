import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ended, start } from './processes.mjs';

const require = createRequire(import.meta.url);

function packageRoot() {
  for (const path of require.resolve.paths('@modelcontextprotocol/conformance') ?? []) {
    const root = join(path, '@modelcontextprotocol/conformance');
    if (existsSync(join(root, 'package.json'))) return root;
  }
  throw new Error('@modelcontextprotocol/conformance is not installed; run npm ci');
}

const root = packageRoot();
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export const version = manifest.version;

/** The scenarios a revision requires of a server, and those that run without counting. */
export function requirements(revision) {
  const set = parse(readFileSync(join(root, `requirements/${revision}.yaml`), 'utf8'));
  const unscored = (set.not_scored ?? []).filter((entry) => entry.leg === 'server').map((entry) => entry.scenario);
  return { required: set.server, unscored };
}

/**
 * Runs the suite against a server.
 * @returns {Promise<{ checks: Map<string, { id: string, status: string, errorMessage?: string }[]>, exit: number, output: string }>}
 */
export async function runSuite(url, revision, directory) {
  mkdirSync(directory, { recursive: true });
  const child = start(process.execPath, [
    join(root, manifest.bin.conformance),
    ...['server', '--url', url, '--requirements', revision, '--timeout', '30000', '-o', directory],
  ]);
  const exit = await ended(child, 300_000);
  const checks = new Map();
  for (const name of readdirSync(directory)) {
    const scenario = /^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/.exec(name)?.[1];
    const file = join(directory, name, 'checks.json');
    if (scenario && existsSync(file)) checks.set(scenario, JSON.parse(readFileSync(file, 'utf8')));
  }
  return { checks, exit, output: child.output };
}

/**
 * Runs one scenario of the suite against a client, which it starts with the URL of a server of its own.
 * @param {readonly string[]} program what Node is to run as the client
 * @param {readonly string[]} flags more of the suite's own; `--force` for scenarios of extensions
 * @returns {Promise<{ checks: { id: string, status: string, errorMessage?: string }[], exit: number, output: string }>}
 */
export async function runClientScenario(program, scenario, revision, directory, flags = []) {
  mkdirSync(directory, { recursive: true });
  const child = start(process.execPath, [
    join(root, manifest.bin.conformance),
    ...['client', '--command', [process.execPath, ...program].join(' '), '--scenario', scenario],
    ...['--spec-version', revision, '--timeout', '30000', '-o', directory, ...flags],
  ]);
  const exit = await ended(child, 60_000);
  const found = readdirSync(directory, { recursive: true }).find((name) => name.endsWith('checks.json'));
  const checks = found ? JSON.parse(readFileSync(join(directory, found), 'utf8')) : [];
  return { checks, exit, output: child.output.slice(-2048) };
}
