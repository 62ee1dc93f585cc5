import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { Secret } from '#libs/kernel';
import { MAX_LINE } from './bounded-line.js';
import { createLogger, escapeControls, logRequests, nestLogger } from './index.js';

function collect(options: { level?: string; format?: 'json' | 'text'; maxLine?: number } = {}) {
  const lines: string[] = [];
  const logger = createLogger({
    level: options.level ?? 'debug',
    format: options.format ?? 'json',
    ...(options.maxLine !== undefined && { maxLine: options.maxLine }),
    sink: { write: (line) => lines.push(line) },
  });
  return { lines, logger };
}

describe('createLogger', () => {
  it('never prints credentials or session ids, wherever the header bag lies', () => {
    const { lines, logger } = collect();
    const headers = { authorization: 'Bearer s3cret', cookie: 's3cret', 'mcp-session-id': 's3cret', accept: '*/*' };
    logger.info(headers, 'top');
    logger.info({ headers }, 'in headers');
    logger.info({ req: { headers } }, 'in a request');
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain('s3cret');
    expect(lines.join('')).toContain('*/*');
    expect(headers.authorization).toBe('Bearer s3cret');
  });

  it('masks the values of secrets wherever they turn up, also in what others said', () => {
    for (const format of ['json', 'text'] as const) {
      const { lines, logger } = collect({ format });
      new Secret('canary-"1"-value');
      logger.warn({ said: ['you sent canary-"1"-value'], err: new Error('canary-"1"-value') }, 'canary-"1"-value');
      expect(lines.join('')).toContain('[secret]');
      expect(lines.join('')).not.toContain('canary');
    }
  });

  it('keeps a huge line within the bound and valid', () => {
    const { lines, logger } = collect();
    logger.warn({ detail: 'x'.repeat(100_000), nested: { list: 'y'.repeat(50_000) } }, 'm'.repeat(30_000));
    expect(lines[0]?.length).toBeLessThan(MAX_LINE);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 40, truncated: expect.any(Number) });
  });

  it('keeps a line within the length it is given', () => {
    const { lines, logger } = collect({ maxLine: 4096 });
    logger.warn({ detail: 'x'.repeat(10_000) }, 'm'.repeat(10_000));
    expect(lines[0]?.length).toBeLessThan(4096);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 40, truncated: expect.any(Number) });
  });

  it('writes one readable line per entry in text format and lets no control character through', () => {
    const { lines, logger } = collect({ format: 'text' });
    logger.info({ server: 'files' }, 'up\u001b[31m\nINFO: forged');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('files');
    expect(lines[0]).not.toContain('\u001b');
    expect(lines[0]?.trimEnd()).not.toContain('\n');
  });

  it('writes one line per entry in JSON format too, whatever a reader takes for the end of one', () => {
    const { lines, logger } = collect();
    logger.info({ server: 'a\u2028b' }, 'up\u0085{"level":60}\u202e\u009b2J');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ server: 'a\u2028b', msg: 'up\u0085{"level":60}\u202e\u009b2J' });
  });

  it('follows a level that changes at run time', () => {
    const { lines, logger } = collect({ level: 'info' });
    logger.debug({}, 'unheard');
    logger.level = 'debug';
    logger.debug({}, 'heard');
    expect(lines).toHaveLength(1);
  });
});

describe('nestLogger', () => {
  it('writes to the logger of its own gateway when there are several in a process', () => {
    const [first, second] = [collect(), collect()];
    const loggers = [nestLogger(first.logger), nestLogger(second.logger)];
    loggers[0]?.log('one', 'Context');
    loggers[1]?.warn('two', 'Context');
    expect(first.lines.join('')).toContain('"msg":"one"');
    expect(second.lines.join('')).toContain('"context":"Context"');
    expect(second.lines).toHaveLength(1);
  });

  it('keeps what Nest tells of its wiring for debug', () => {
    const { lines, logger } = collect({ level: 'info' });
    nestLogger(logger).log('Mapped {/mcp, POST} route', 'RouterExplorer');
    nestLogger(logger).log('something of a plug-in', 'AcmeTransport');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('AcmeTransport');
  });
});

describe('logRequests', () => {
  it('writes one line per request at debug, without the query, and none otherwise', async () => {
    const { lines, logger } = collect();
    const server = createServer((_, response) => response.end('ok'));
    logRequests(server, logger, () => 'abc');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp?token=hidden`;
    await (await request(url)).body.text();
    logger.level = 'info';
    await (await request(url)).body.text();
    await new Promise((resolve) => server.close(resolve));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ requestId: 'abc', path: '/mcp', status: 200, complete: true });
    expect(lines[0]).not.toContain('hidden');
  });
});

describe('text', () => {
  it('T150: lets no control character of a message, a field, an error or its stack through', () => {
    const { lines, logger } = collect({ format: 'text' });
    const evil = 'a\u001b[31m\u009b2J\u007f\r\n{"msg":"forged"}\u2028\b\\u001b';
    logger.error({ said: evil, list: [{ deep: evil }], err: new Error(evil) }, evil);
    const text = lines.join('');
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\u2028\u2029]/u);
    expect(text).toContain('a\\u001b[31m\\u009b2J\\u007f\\u000d\\u000a{"msg":"forged"}\\u2028\\u0008\\u001b');
    for (const line of text.trimEnd().split('\n').slice(1)) expect(line).toMatch(/^ {4}/);
  });
});

describe('escapeControls', () => {
  it('makes terminal escapes visible and leaves letters of any script alone', () => {
    expect(escapeControls('a\u001b[2Jb\u2028ü漢')).toBe('a\\u001b[2Jb\\u2028ü漢');
  });
});
