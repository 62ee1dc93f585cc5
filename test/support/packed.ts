import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { descendants, isAlive, ROOT, type Running, startCommand } from './processes.js';
import { until } from './wait.js';

const MODULES = join(ROOT, 'node_modules');

/** Node as the tests run on comes first, as it would be the only one on a user's machine. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`;

/** A folder outside of the source tree with the package as it would be published, installed from its tarball. */
export interface Installed {
  readonly folder: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
  /** `npx …` in that folder. */
  npx(args: readonly string[], env?: Record<string, string>): Running;
  close(): Promise<void>;
}

/**
 * Packs the build and installs it without a network: what it depends on are links to the packages of this checkout, of which
 * it gets those it declares and what these bring, so that a forgotten declaration fails here as it would for a user.
 * `others`: further packages that a user of the folder has installed.
 */
export function installPacked(others: readonly string[] = []): Installed {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-gateway-packed-'));
  const answer = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--silent', '--pack-destination', folder], {
    cwd: ROOT,
    env: { ...process.env, PATH, npm_config_offline: 'true' },
    encoding: 'utf8',
  });
  const [{ filename, files }] = Object.values(JSON.parse(answer) as object) as [PackAnswer];
  const home = join(folder, 'node_modules/mcp-gateway');
  mkdirSync(home, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', home, '--strip-components=1']);
  rmSync(join(folder, filename));
  for (const name of new Set([...production(), ...others])) link(name, folder);
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync('../mcp-gateway/bin/mcp-gateway.js', join(folder, 'node_modules/.bin/mcp-gateway'));
  const running: Running[] = [];
  return {
    folder,
    files: files.map(({ path }) => path),
    npx(args, env = {}) {
      const npm = { npm_config_offline: 'true', npm_config_update_notifier: 'false' };
      const command = startCommand('npx', args, { ...npm, ...env, PATH }, folder);
      running.push(command);
      return command;
    },
    async close() {
      for (const { pid, close } of running) {
        // npx does not hand every signal on, so the program behind it is asked first.
        const behind = descendants(pid);
        for (const one of behind) if (isAlive(one)) process.kill(one, 'SIGTERM');
        await close();
        await until('everything behind npx ended', () => behind.every((one) => !isAlive(one)));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface PackAnswer {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Names of the packages that `npm install --omit=dev` puts beside it. */
function production(): string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { readonly dev?: boolean; readonly optional?: boolean }>;
  };
  return Object.entries(packages).flatMap(([path, { dev, optional }]) => {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    return name === undefined || dev || optional ? [] : [name];
  });
}

function link(name: string, folder: string): void {
  const at = join(folder, 'node_modules', name);
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(join(MODULES, name), at);
}
