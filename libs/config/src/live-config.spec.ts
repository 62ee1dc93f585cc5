import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigCheck, LiveConfig, type LiveConfigOptions } from './live-config.js';
import { configFrom, type LoadedConfig, loadConfig } from './load/load-config.js';

const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789';
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'live-'));
  file = join(folder, 'config.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(text: string, options: LiveConfigOptions = {}): LiveConfig {
  writeFileSync(file, text);
  const load = () => loadConfig({ file, env: {} }) as LoadedConfig;
  return new LiveConfig(load(), { load, ...options });
}

describe('a reload', () => {
  it('swaps all sections before it tells anybody', () => {
    const live = start('log: { level: info }\nproxy: { grace: 1m }\n');
    const seen: unknown[] = [];
    const look = () =>
      seen.push([live.current.log.level, live.sections.log.current.level, live.sections.proxy.current.grace]);
    live.gateway.onChange(look);
    live.sections.log.onChange(look);
    live.sections.proxy.onChange(look);
    writeFileSync(file, 'log: { level: debug }\nproxy: { grace: 2m }\n');
    expect(live.reload()).toMatchObject({ kind: 'applied', changed: ['proxy', 'log'], restart: [] });
    expect(seen).toEqual(Array(3).fill(['debug', 'debug', 120_000]));
  });

  it('keeps the identity of sections that did not change, and their listeners quiet', () => {
    const live = start('server: { limits: { body: 1MiB } }\n');
    const { server } = live.current;
    let told = 0;
    live.sections.server.onChange(() => told++);
    writeFileSync(file, 'server: { limits: { body: 1024KiB } }\nproxy: { grace: 1m }\n');
    expect(live.reload()).toMatchObject({ changed: ['proxy'] });
    expect(live.current.server).toBe(server);
    expect(live.sections.server.current).toBe(server);
    expect(live.sections.proxy.current).toBe(live.current.proxy);
    expect(told).toBe(0);
    expect(live.reload()).toMatchObject({ kind: 'applied', changed: [] });
  });

  it('keeps everything when there is a problem, and says all of them', () => {
    const live = start('log: { level: info }\n');
    const before = live.current;
    writeFileSync(file, 'log: { level: debug }\nserver: { prot: 1 }\nproxy: { grace: 1 }\n');
    expect(live.reload()).toMatchObject({
      kind: 'kept',
      problems: [
        { path: '$.server.prot', line: 2 },
        { path: '$.proxy.grace', line: 3 },
      ],
    });
    expect(live.current).toBe(before);
    rmSync(file);
    expect(live.reload()).toMatchObject({ kind: 'kept', problems: [{ message: 'the file does not exist' }] });
    expect(live.current).toBe(before);
  });

  it('keeps what needs a restart, reports it and applies the rest', () => {
    const live = start('server: { port: 1 }\n');
    writeFileSync(
      file,
      `server: { port: 2, host: localhost, session_key: ${KEY}, limits: { body: 1MiB, keep_alive: 5s } }\nplugins: [x]\n`,
    );
    expect(live.reload()).toMatchObject({
      kind: 'applied',
      changed: ['server'],
      restart: ['server.host', 'server.port', 'server.session_key', 'server.limits.keep_alive', 'plugins'],
    });
    expect(live.current.server).toMatchObject({
      port: 1,
      host: '127.0.0.1',
      session_key: null,
      limits: { body: 1_048_576, keep_alive: 72_000 },
    });
    expect(live.current.plugins).toEqual([]);
    expect(Object.isFrozen(live.current.server)).toBe(true);
  });

  it('refuses to lose the word that lets it listen beyond loopback', () => {
    const live = start('server: { host: 0.0.0.0, allow_anonymous: true }\n');
    writeFileSync(file, 'server: { host: 127.0.0.1 }\n');
    expect(live.reload()).toMatchObject({ kind: 'kept', problems: [{ path: '$.server.host' }] });
  });

  it.each([
    ['its keys', `api_keys: [{ name: a, key: ${KEY} }]`],
    ['its issuers', 'oauth: { enabled: true, authorization_servers: ["https://idp.example"] }'],
  ])('refuses to lose %s beyond loopback, and goes on asking for them', (_what, access) => {
    const live = start(`server: { host: 0.0.0.0 }\n${access}\n`);
    const before = live.current;
    writeFileSync(file, 'server: { host: 0.0.0.0 }\n');
    expect(live.reload()).toMatchObject({ kind: 'kept', problems: [{ path: '$.server.host' }] });
    expect(live.current).toBe(before);
    writeFileSync(file, 'server: { host: 0.0.0.0, allow_anonymous: true }\n');
    expect(live.reload()).toMatchObject({ kind: 'applied' });
  });

  it('asks the check it was given, and says where in the file what that refuses stands', () => {
    const live = start('proxy:\n  parking: on\n');
    const check: ConfigCheck = ({ proxy }) =>
      proxy.parking === 'off' ? [{ path: '$.proxy.parking', message: 'no' }] : [];
    live.checkWith(check);
    writeFileSync(file, 'proxy:\n  parking: off\n');
    expect(live.reload()).toMatchObject({ kind: 'kept', problems: [{ path: '$.proxy.parking', line: 2, column: 12 }] });
    expect(live.current.proxy.parking).toBe('on');
    const refused = start('proxy:\n  parking: off\n');
    expect(() => refused.checkWith(check)).toThrow(`${file}:2:12  $.proxy.parking: no`);
  });

  it('does not look in the file for what a flag set', () => {
    writeFileSync(file, 'server: { host: 127.0.0.1 }\n');
    const loaded = loadConfig({ file, env: {}, overrides: { host: 'localhost' } }) as LoadedConfig;
    expect(loaded.locate({ path: '$.server.host', message: 'no' })).not.toHaveProperty('line');
    expect(loaded.locate({ path: '$.server.port', message: 'no' })).toMatchObject({ line: 1 });
  });

  it('goes on when a listener throws', () => {
    const errors: unknown[] = [];
    const live = start('', { onListenerError: (thrown) => errors.push(thrown) });
    let told = 0;
    live.sections.log.onChange(() => {
      throw new Error('listener');
    });
    live.sections.log.onChange(() => told++);
    writeFileSync(file, 'log: { level: warn }\n');
    expect(live.reload().kind).toBe('applied');
    expect(told).toBe(1);
    expect(errors).toHaveLength(1);
  });

  it('never takes another configuration for the file that is gone', () => {
    writeFileSync(file, 'log: { level: warn }\n');
    const live = new LiveConfig(loadConfig({ file, env: {} }) as LoadedConfig, { load: () => configFrom({}) });
    expect(live.reload()).toMatchObject({ kind: 'kept', problems: [{ message: `the file ${file} is gone` }] });
    expect(live.current.log.level).toBe('warn');
  });

  it('is not possible for a configuration made by a program', () => {
    expect(new LiveConfig(configFrom({})).reload().kind).toBe('kept');
  });
});
