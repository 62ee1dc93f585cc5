import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { http } from '../../support/raw.js';
import type { Experiment, Stage } from '../experiment.js';

const NAME = 'audit.jsonl';
/** A device that answers every write with ENOSPC. */
const FULL = '/dev/full';
/** Calls while nothing can be written. Their lines, at most 2 KiB each, stay below the 4 MiB that may wait. */
const CALLS = 300;
/** Bytes that are still free when the disk becomes full: less than a line. */
const ROOM = 100;

/**
 * Calls go on whatever becomes of the file, and no line is lost: not while the file is moved away, not while every write is
 * refused, and not where a line was torn because only its beginning found room.
 */
export const FULL_DISK: Experiment = {
  name: 'full-disk',
  about: 'the disk of the audit file is full, first all of a sudden, then in the middle of a line',
  seconds: 15,
  world: {
    upstreams: [
      { name: 'json', kind: 'http-json' },
      { name: 'modern', kind: 'modern' },
    ],
    sections: { audit: { to: NAME, arguments: true }, log: { level: 'warn' } },
  },
  load: { sizes: [0, 100] },
  unharmed: ['json', 'modern'],
  async run(stage) {
    if (canWrite(FULL)) await behindFullDevice(stage);
    else stage.progress(`left out: there is no ${FULL}`);
    const obstacle = limit(stage.world.gateway.pid, 'unlimited');
    if (obstacle === undefined) await withLimit(stage);
    else stage.progress(`left out: the size of files cannot be limited: ${obstacle}`);
    await allRecorded(stage);
  },
};

/** As where the log is rotated onto a disk that is full. */
async function behindFullDevice(stage: Stage): Promise<void> {
  const { file, moved } = filesOf(stage);
  stage.progress('every write is refused');
  renameSync(file, moved);
  symlinkSync(FULL, file);
  await stage.until('the gateway says so', () => /cannot be written.*disk is full/.test(stage.world.gateway.output()));
  await stage.calls(CALLS);
  rmSync(file);
  await stage.until('the gateway writes again', () => existsSync(file) && statSync(file).size > 0);
}

async function withLimit(stage: Stage): Promise<void> {
  const { file } = filesOf(stage);
  const { pid } = stage.world.gateway;
  stage.progress('a line finds no room');
  const room = statSync(file).size + ROOM;
  const failed = limit(pid, String(room));
  if (failed !== undefined) return stage.problem(`prlimit: ${failed}`);
  try {
    // Lines may have come while the limit was set: then the next one is refused as a whole.
    const most = Math.max(room, statSync(file).size);
    await stage.until('the file takes no more', () => statSync(file).size >= room);
    await stage.calls(CALLS);
    if (statSync(file).size > most) stage.problem('the limit of the size did nothing');
  } finally {
    limit(pid, 'unlimited');
  }
}

/** Each call that the gateway took has one line, a whole one. */
async function allRecorded(stage: Stage): Promise<void> {
  const { world } = stage;
  const nonces = () => {
    const { file, moved } = filesOf(stage);
    const text = [moved, file].map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')).join('');
    return text.split('\n').filter(Boolean).map(nonceOf);
  };
  const settled = world.ledger.calls.map(({ nonce }) => nonce);
  const missing = () => {
    const recorded = new Set(nonces());
    return settled.filter((nonce) => !recorded.has(nonce));
  };
  await stage
    .until('every call is in the audit', () => missing().length === 0)
    .catch((error: Error) => stage.problem(`${error.message}: ${missing().length} are not, such as ${missing()[0]}`));
  const recorded = nonces();
  const torn = recorded.filter((nonce) => nonce === undefined).length;
  if (torn > 0) stage.problem(`${torn} lines of the audit are torn`);
  const whole = recorded.filter((nonce) => nonce !== undefined);
  if (new Set(whole).size < whole.length) stage.problem('calls are in the audit twice');
  const { text } = await http(`${world.gateway.url}/metrics`, { method: 'GET' });
  if (!/^mcp_gateway_audit_lines_lost 0$/m.test(text)) stage.problem('the gateway says that lines were lost');
}

function nonceOf(line: string): string | undefined {
  try {
    const entry = JSON.parse(line) as { arguments?: { values?: { nonce?: string } } };
    return entry.arguments?.values?.nonce;
  } catch {
    return undefined;
  }
}

/** The audit, and what it was called when it was moved away. */
function filesOf({ world }: Stage): { readonly file: string; readonly moved: string } {
  const file = join(dirname(world.gateway.file), NAME);
  return { file, moved: `${file}.1` };
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Longest file the process may write, from now on. Undefined, or why that cannot be. */
function limit(pid: number, bytes: string): string | undefined {
  const { error, status, stderr } = spawnSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:`], { encoding: 'utf8' });
  return error?.message ?? (status === 0 ? undefined : stderr.trim());
}
