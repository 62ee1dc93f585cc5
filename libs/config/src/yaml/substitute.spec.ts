import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadText, problemLines } from '../testing/load-text.js';
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
});
afterAll(() => rmSync(folder, { recursive: true }));

const ENV = { A: 'alpha', EMPTY: '', NESTED: '${A}', YAML: '"\nadmin: true' };
const apply = (text: string) => new Substitution(ENV, folder).apply(text);

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
    ['${EMPTY}', ''],
    ['$${A}', '${A}'],
    ['$${A} ${A}', '${A} alpha'],
    ['$$${A}', '$${A}'],
    ['${NESTED}', '${A}'],
    ['${YAML}', '"\nadmin: true'],
    ['${file:secret}', 'from file'],
    ['${file:link}', 'from file'],
    ['${file:two-lines}', 'a\n'],
  ])('%j gives %j', (source, text) => {
    expect(apply(source)).toMatchObject({ text, problems: [] });
  });

  it('reads absolute paths, and remembers which files it read', () => {
    const substitution = new Substitution({}, '/nowhere');
    expect(substitution.apply(`\${file:${join(folder, 'secret')}}`).text).toBe('from file');
    expect([...substitution.files.keys()]).toEqual([join(folder, 'secret')]);
  });

  it.each([
    ['${NOPE}', /needs the environment variable NOPE, which is not set/],
    ['${env:NOPE}', /needs the environment variable NOPE/],
    ['${constructor}', /needs the environment variable constructor/],
    ['${vault:secret/a}', /no secret source "vault" \(known: env, file\)/],
    ['${}', /a variable's name has/],
    ['${A B}', /a variable's name has/],
    ['${A', /without a closing "}"/],
    ['${file:}', /without a path/],
    ['${file:nope}', /the file .*nope does not exist/],
    ['${file:folder}', /the file .*folder is (not a regular file|a folder)/],
    ['${file:large}', /the file .*large is larger than 64 KiB/],
    ['${file:binary}', /is not UTF-8 text/],
    ['${file:/dev/zero}', /is not a regular file/],
  ])('%j is a problem', (source, problem) => {
    expect(apply(source).problems).toEqual([expect.stringMatching(problem)]);
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
