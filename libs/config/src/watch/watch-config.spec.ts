import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LoadedConfig, loadConfig } from '../load/load-config.js';
import { type ConfigWatch, type WatchOptions, watchConfig } from './watch-config.js';

let folder: string;
let file: string;
let watch: ConfigWatch | undefined;
let calls: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watch-'));
  file = join(folder, 'config.yaml');
  calls = 0;
});
afterEach(() => {
  watch?.close();
  rmSync(folder, { recursive: true });
});

const begin = (options: WatchOptions = {}) => {
  watch = watchConfig(file, () => calls++, { debounce: 10, interval: 25, ...options });
};
const called = (times: number) => vi.waitFor(() => expect(calls).toBe(times), { timeout: 10_000, interval: 5 });
/** Something that is seen for certain, after which an earlier change would have been seen too. */
const proveNothingCameBefore = async () => {
  const before = calls;
  writeFileSync(file, `# sentinel ${Math.random()}\n`);
  await called(before + 1);
};

describe('a watched file', () => {
  it('calls when it is written in place', async () => {
    writeFileSync(file, 'a\n');
    begin();
    appendFileSync(file, 'b\n');
    await called(1);
    appendFileSync(file, 'c\n');
    await called(2);
  });

  it('calls when an editor renames a new file over it', async () => {
    writeFileSync(file, 'a\n');
    begin();
    for (const round of [1, 2, 3]) {
      writeFileSync(`${file}.tmp`, `round ${round}\n`);
      renameSync(`${file}.tmp`, file);
      await called(round);
    }
  });

  it('calls when a mounted ConfigMap is swapped behind it, again and again', async () => {
    const swap = (generation: number) => {
      const data = join(folder, `..gen_${generation}`);
      mkdirSync(data);
      writeFileSync(join(data, 'config.yaml'), `generation ${generation}\n`);
      symlinkSync(`..gen_${generation}`, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      if (generation > 0) rmSync(join(folder, `..gen_${generation - 1}`), { recursive: true });
    };
    swap(0);
    symlinkSync('..data/config.yaml', file);
    begin();
    for (const generation of [1, 2, 3]) {
      swap(generation);
      await called(generation);
    }
  });

  it('calls once when it comes back changed, not when it is gone, not when it comes back the same', async () => {
    writeFileSync(file, 'a\n');
    begin();
    unlinkSync(file);
    writeFileSync(file, 'a\n');
    unlinkSync(file);
    writeFileSync(file, 'b\n');
    await called(1);
    await proveNothingCameBefore();
    expect(calls).toBe(2);
  });

  it('does not call for the same content, nor for its neighbours', async () => {
    writeFileSync(file, 'a\n');
    begin();
    writeFileSync(file, 'a\n');
    writeFileSync(join(folder, 'other.yaml'), 'x\n');
    await proveNothingCameBefore();
    expect(calls).toBe(1);
  });

  it('calls when a file it refers to changes', async () => {
    writeFileSync(join(folder, 'token'), 'one-abcdefghijklmnopqrstuvwxyz012345\n');
    writeFileSync(file, 'metrics: { token: "${file:token}" }\n');
    const load = () => loadConfig({ file, env: {} }) as LoadedConfig;
    let loaded = load();
    watch = watchConfig(file, () => (loaded = load()), {
      debounce: 10,
      interval: 25,
      since: loaded.digests,
      files: () => loaded.secretFiles,
    });
    writeFileSync(join(folder, 'token'), 'two-abcdefghijklmnopqrstuvwxyz012345\n');
    await vi.waitFor(() => expect(loaded.config.metrics.token?.reveal()).toMatch(/^two/), { timeout: 10_000 });
  });

  it('calls when it changed between loading and watching', async () => {
    writeFileSync(file, 'log: { level: info }\n');
    const loaded = loadConfig({ file, env: {} }) as LoadedConfig;
    writeFileSync(file, 'log: { level: warn }\n');
    begin({ since: loaded.digests });
    await called(1);
  });

  it('notices without events, by looking', async () => {
    const away = mkdtempSync(join(tmpdir(), 'away-'));
    try {
      // two links deep: only the folders at both ends are watched
      mkdirSync(join(away, 'one'));
      mkdirSync(join(away, 'two'));
      writeFileSync(join(away, 'one/config.yaml'), 'a\n');
      writeFileSync(join(away, 'two/config.yaml'), 'b\n');
      mkdirSync(join(away, 'links'));
      symlinkSync('../one', join(away, 'links/current'));
      symlinkSync(join(away, 'links/current/config.yaml'), file);
      begin();
      unlinkSync(join(away, 'links/current'));
      symlinkSync('../two', join(away, 'links/current'));
      await called(1);
    } finally {
      rmSync(away, { recursive: true });
    }
  });

  it('reports a failing listener and goes on', async () => {
    writeFileSync(file, 'a\n');
    const errors: unknown[] = [];
    watch = watchConfig(file, () => Promise.reject(new Error('no')), {
      debounce: 10,
      interval: 25,
      onError: (thrown) => errors.push(thrown),
    });
    writeFileSync(file, 'b\n');
    await vi.waitFor(() => expect(errors).toHaveLength(1), { timeout: 10_000 });
    writeFileSync(file, 'c\n');
    await vi.waitFor(() => expect(errors).toHaveLength(2), { timeout: 10_000 });
  });

  it('starts before the folder exists and stops when closed', async () => {
    file = join(folder, 'later/config.yaml');
    begin();
    mkdirSync(join(folder, 'later'));
    writeFileSync(file, 'a\n');
    await called(1);
    watch?.close();
    writeFileSync(file, 'b\n');
    file = join(folder, 'second.yaml');
    writeFileSync(file, 'x\n');
    let second = 0;
    watch = watchConfig(file, () => second++, { debounce: 10, interval: 25 });
    writeFileSync(file, 'y\n');
    await vi.waitFor(() => expect(second).toBe(1), { timeout: 10_000 });
    expect(calls).toBe(1);
  });
});
