import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadText, problemLines } from '../testing/load-text.js';
import { EnvReader, FileReader, type SecretReader } from './secret-reader.js';
import { Substitution } from './substitute.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'substitute-'));
  writeFileSync(join(folder, 'secret'), 'from file\n');
  writeFileSync(join(folder, 'two-lines'), 'a\n\n');
  writeFileSync(join(folder, 'large'), 'x'.repeat(64 * 1024 + 1));
  writeFileSync(join(folder, 'binary'), Buffer.from([0xff, 0xfe]));
  mkdirSync(join(folder, 'folder'));
  symlinkSync(join(folder, 'secret'), join(folder, 'link'));
  symlinkSync('/etc/hostname', join(folder, 'escape'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ENV = { A: 'alpha', EMPTY: '', NESTED: '${A}', YAML: '"\nadmin: true' };
const vault: SecretReader = {
  read: (reference) => (reference === 'gone' ? { problem: 'it is sealed' } : { value: `<${reference}>` }),
};
const readers = (files = new FileReader(folder)) =>
  new Map<string, SecretReader>([
    ['env', new EnvReader(ENV)],
    ['file', files],
    ['my-vault', vault],
  ]);
const apply = (text: string) => new Substitution(readers()).apply(text);

describe('substitution', () => {
  it.each([
    ['nothing here', 'nothing here'],
    ['$A and $ and {A}', '$A and $ and {A}'],
    ['${A}', 'alpha'],
    ['-${A}-${env:A}-', '-alpha-alpha-'],
    ['${NOPE:-default}', 'default'],
    ['${NOPE:-}', ''],
    ['${EMPTY:-default}', 'default'],
    ['${A:-default}', 'alpha'],
    ['${env:NOPE:-http://x:1/}', 'http://x:1/'],
    ['$${A}', '${A}'],
    ['$${A} ${A}', '${A} alpha'],
    ['$$${A}', '$${A}'],
    ['${NESTED}', '${A}'],
    ['${YAML}', '"\nadmin: true'],
    ['${file:secret}', 'from file'],
    ['${file:link}', 'from file'],
    ['${file:two-lines}', 'a\n'],
    ['${my-vault:a/b:c}', '<a/b:c>'],
    ['${A:-my-vault:x}', 'alpha'],
    ['${nope:-x}', 'x'],
  ])('%j gives %j', (source, text) => {
    expect(apply(source)).toMatchObject({ text, problems: [] });
  });

  it('reads absolute paths, and remembers which files it read', () => {
    const files = new FileReader('/nowhere');
    expect(new Substitution(readers(files)).apply(`\${file:${join(folder, 'secret')}}`).text).toBe('from file');
    expect([...files.files.keys()]).toEqual([join(folder, 'secret')]);
  });

  it.each([
    ['${NOPE}', /needs the environment variable NOPE, which is not set \(or give a default: \$\{NOPE:-\.\.\.\}\)/],
    ['${env:NOPE}', /needs the environment variable NOPE, which is not set/],
    ['${EMPTY}', /needs the environment variable EMPTY, which is empty/],
    ['${constructor}', /needs the environment variable constructor/],
    ['${vault:secret/a}', /no secret source "vault" \(known: env, file, my-vault\)/],
    ['${my-vault:gone}', /^it is sealed$/],
    ['${}', /a variable's name has/],
    ['${A B}', /a variable's name has/],
    ['${A', /without a closing "}"/],
    ['${file:}', /without a path/],
    ['${file:nope}', /the file .*nope does not exist/],
    ['${file:folder}', /the file .*folder is (not a regular file|a folder)/],
    ['${file:large}', /the file .*large is larger than 64 KiB/],
    ['${file:binary}', /is not UTF-8 text/],
    ['${file:/dev/zero}', /is not a regular file/],
    ['${file:escape}', /the file .*escape is a link that leads out of its folder/],
  ])('%j is a problem', (source, problem) => {
    expect(apply(source).problems).toEqual([expect.stringMatching(problem)]);
  });

  it('reads a mounted secret, whose folder is swapped under a link', () => {
    const mount = join(folder, 'mount');
    mkdirSync(join(mount, '..2026'), { recursive: true });
    writeFileSync(join(mount, '..2026', 'key'), 'mounted');
    symlinkSync('..2026', join(mount, '..data'));
    symlinkSync(join('..data', 'key'), join(mount, 'key'));
    expect(apply('${file:mount/key}')).toMatchObject({ text: 'mounted', problems: [] });
  });

  it('warns of a file that more than its owner can read, without what is in it', () => {
    for (const [mode, warned] of [
      [0o600, 0],
      [0o400, 0],
      [0o640, 1],
      [0o604, 1],
    ] as const) {
      writeFileSync(join(folder, 'mode'), 'hunter2', { mode });
      chmodSync(join(folder, 'mode'), mode);
      const { warnings } = apply('${file:mode}');
      expect(warnings).toHaveLength(warned);
      expect(warnings.join()).not.toContain('hunter2');
      rmSync(join(folder, 'mode'));
    }
  });

  it('never changes the structure of the document, nor keys', () => {
    const { config } = loadText('proxy:\n  clients:\n    "${A}": {}\nplugins: ["${YAML}"]\n', { env: ENV });
    expect(Object.keys(config.proxy.clients)).toEqual(['${A}']);
    expect(config.plugins).toEqual(['"\nadmin: true']);
    expect(config.admin.enabled).toBe(false);
  });

  it('fills numbers, switches, durations, sizes and choices', () => {
    const text = [
      'server: { port: "${PORT:-9000}", allow_anonymous: "${ANON}", limits: { body: "${BODY}", json_depth: "${DEPTH}" } }',
      'proxy: { grace: "${GRACE}", parking: "${PARKING:-off}", retry: { multiplier: "${MULTIPLIER}" } }',
    ].join('\n');
    const { config } = loadText(text, {
      env: { ANON: 'true', BODY: '2MiB', DEPTH: '32', GRACE: '90s', MULTIPLIER: '1.5' },
    });
    expect(config.server).toMatchObject({
      port: 9000,
      allow_anonymous: true,
      limits: { body: 2_097_152, json_depth: 32 },
    });
    expect(config.proxy).toMatchObject({ grace: 90_000, parking: 'off', retry: { multiplier: 1.5 } });
    expect(loadText('server:\n  port: ${PORT:-8083}\n').config.server.port).toBe(8083);
  });

  it('keeps a number-like secret as the text it is', () => {
    const { config } = loadText('metrics: { token: "${T}" }', { env: { T: '00123456789012345678901234567890123' } });
    expect(config.metrics.token?.reveal()).toBe('00123456789012345678901234567890123');
  });

  it('is bounded', () => {
    const env = { BIG: 'x'.repeat(1024 * 1024) };
    const text = `plugins: [${Array.from({ length: 6 }, (_, index) => `"\${BIG}${index}"`).join(', ')}]`;
    expect(problemLines(text, { env }).join()).toContain('more than 4 MiB');
  });

  it('hints at quotes where a flow mapping broke on it', () => {
    expect(problemLines('server: { port: ${PORT} }').join()).toContain('put quotes around "${...}"');
  });
});
