import 'reflect-metadata';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AuditConfig, AuditConfigRef } from '#libs/config';
import { JsonView } from '#libs/mcp';
import { AuditFile } from './audit-file.js';
import { AuditLog } from './audit-log.js';
import { auditProblems } from './audit-problems.js';
import { aCall, aRefusal } from './testing/events.js';

let folder: string;
const open: AuditLog[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
});
afterEach(async () => {
  for (const log of open.splice(0)) await log.onApplicationShutdown();
  rmSync(folder, { recursive: true });
});

const settings = (to: string, values = false) => Object.assign(new AuditConfig(), { to, arguments: values });
const linesOf = (name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

async function trail(to: string) {
  const config = new AuditConfigRef(settings(to));
  const said: string[] = [];
  const stdout: string[] = [];
  const say = (_: object, message: string) => void said.push(message);
  const log = { debug: say, info: say, warn: say, error: say };
  const audit = new AuditLog(config, log, { folder, stdout: { write: (line) => stdout.push(line) } });
  open.push(audit);
  await audit.onModuleInit();
  return { audit, config, said, stdout };
}

describe('the audit trail', () => {
  it('is off until it is asked for, and says so', async () => {
    const { audit, stdout } = await trail('off');
    audit.record(aCall());
    expect(audit.enabled).toBe(false);
    expect(stdout).toEqual([]);
  });

  it('goes to standard output, one line per call', async () => {
    const { audit, stdout } = await trail('stdout');
    expect(audit.enabled).toBe(true);
    audit.record(aCall());
    audit.record(aRefusal());
    expect(stdout.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['call', 'denied']);
  });

  it('goes to a file beside the configuration that only its owner may read, appended to, flushed at the end', async () => {
    for (const requestId of ['request-1', 'request-2']) {
      const { audit } = await trail('audit.jsonl');
      for (let call = 0; call < 500; call++) audit.record(aCall({ requestId }));
      await audit.onApplicationShutdown();
    }
    const lines = linesOf('audit.jsonl');
    expect(lines).toHaveLength(1_000);
    expect(lines[999]).toMatchObject({ request_id: 'request-2' });
    expect(statSync(join(folder, 'audit.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('records every call, and of a flood of refusals a bounded part and its count', async () => {
    const { audit } = await trail('audit.jsonl');
    for (let index = 0; index < 300; index++) {
      audit.record(aCall());
      audit.record(aRefusal());
    }
    await audit.onApplicationShutdown();
    const lines = linesOf('audit.jsonl');
    expect(lines.filter(({ event }) => event === 'call')).toHaveLength(300);
    expect(lines.filter(({ event }) => event === 'denied')).toHaveLength(100);
    expect(lines.at(-1)).toMatchObject({ event: 'omitted', source: '192.0.2.7', omitted: 200 });
    expect(audit.leftOut).toBe(200);
  });

  it('follows a file that was moved away', async () => {
    const { audit } = await trail('audit.jsonl');
    audit.record(aCall({ requestId: 'before' }));
    await vi.waitFor(() => expect(linesOf('audit.jsonl')).toHaveLength(1));
    renameSync(join(folder, 'audit.jsonl'), join(folder, 'audit.1'));
    await vi.waitFor(
      () => {
        audit.record(aCall({ requestId: 'after' }));
        expect(linesOf('audit.jsonl').at(-1)).toMatchObject({ request_id: 'after' });
      },
      { timeout: 5_000, interval: 100 },
    );
    expect(linesOf('audit.1')[0]).toMatchObject({ request_id: 'before' });
  });

  it('follows a reload to another place, and stays where it is when that cannot be written', async () => {
    const { audit, config, said } = await trail('one.jsonl');
    audit.record(aCall({ requestId: 'one' }));
    config.replace(settings('two.jsonl', true));
    await vi.waitFor(() => expect(statSync(join(folder, 'two.jsonl')).isFile()).toBe(true));
    await vi.waitFor(() => {
      audit.record(aCall({ requestId: 'two', arguments: JsonView.of(Buffer.from('{"a":"value"}')) }));
      expect(linesOf('two.jsonl').length).toBeGreaterThan(0);
    });
    expect(linesOf('two.jsonl')[0]).toMatchObject({ arguments: { values: { a: 'value' } } });
    config.replace(settings('nowhere/three.jsonl'));
    await vi.waitFor(() =>
      expect(said.join()).toMatch(/nowhere.*its folder does not exist.*goes where it went before/),
    );
    audit.record(aCall({ requestId: 'last' }));
    await audit.onApplicationShutdown();
    expect(linesOf('one.jsonl')).toHaveLength(1);
    expect(linesOf('two.jsonl').at(-1)).toMatchObject({ request_id: 'last' });
  });

  it('does not start with a file that cannot be written, and says what to do', async () => {
    await expect(trail('nowhere/audit.jsonl')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^audit\.to: .*nowhere.*its folder does not exist.*Create its folder/),
    });
  });
});

describe('checking an audit file beforehand', () => {
  it('touches nothing and names the reason', () => {
    mkdirSync(join(folder, 'sub'));
    symlinkSync('sub', join(folder, 'link'));
    const reasons = ['new.jsonl', 'sub', 'link', 'no/x', 'link/x', 'stdout', 'off', '/dev/null'].map((to) =>
      auditProblems(settings(to), folder).map(({ path, message }) => `${path} ${/: ([^.]*)\./.exec(message)?.[1]}`),
    );
    expect(reasons).toEqual([
      [],
      ['$.audit.to it is a folder'],
      ['$.audit.to it is a folder'],
      ['$.audit.to its folder does not exist'],
      [],
      [],
      [],
      [],
    ]);
    expect(() => statSync(join(folder, 'new.jsonl'))).toThrow();
  });

  it.skipIf(process.getuid?.() === 0)('sees what this user may not write', () => {
    chmodSync(folder, 0o500);
    expect(auditProblems(settings('x'), folder)).toHaveLength(1);
    chmodSync(folder, 0o700);
  });
});

describe('T146: a disk that is full', () => {
  it('never makes a call wait or fail: lines wait within a bound, are counted when lost, and it is said once', async () => {
    const said: string[] = [];
    const say = (_: object, message: string) => void said.push(message);
    const file = await AuditFile.open('/dev/full', { debug: say, info: say, warn: say, error: say });
    const line = `${'x'.repeat(64 * 1024 - 1)}\n`;
    for (let index = 0; index < 100; index++) file.write(line);
    expect(file.lost).toBe(36);
    await vi.waitFor(() => expect(said.join()).toContain('the disk is full'));
    for (let index = 0; index < 100; index++) file.write(line);
    expect(file.lost).toBe(136);
    await file.close();
    expect(file.lost).toBe(200);
    expect(said.filter((message) => message.includes('are being lost'))).toHaveLength(1);
    expect(said.filter((message) => message.includes('the disk is full'))).toHaveLength(1);
  });
});
