import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { configFrom } from '#libs/config';
import type { UpstreamStatus } from '#libs/plugin';
import type { Terminal } from '../terminal.js';
import { authenticationIn, banner } from './banner.js';
import { StatusBoard } from './status-board.js';

function status(name: string, change: Partial<UpstreamStatus> = {}): UpstreamStatus {
  const counts = { tools: 0, prompts: 0, resources: 0 };
  return {
    name,
    type: 'stdio',
    state: 'connecting',
    since: 0,
    required: false,
    counts,
    sessions: 0,
    pids: [],
    inFlight: 0,
    breaker: { state: 'closed', openings: 0 },
    ...change,
  };
}

const READY = {
  state: 'ready',
  era: 'legacy',
  version: '2025-11-25',
  counts: { tools: 13, prompts: 4, resources: 7 },
} as const;

function screen(outIsTty: boolean) {
  let text = '';
  const out = (more: string) => {
    text += more;
  };
  const terminal: Terminal = { out, err: () => {}, outIsTty, errIsTty: false, inIsTty: false, columns: 90 };
  const take = () => {
    const taken = text;
    text = '';
    return taken;
  };
  return { terminal, take };
}

const ESCAPE = String.fromCharCode(27);
const CURSOR_UP = new RegExp(`^${ESCAPE}\\[(\\d+)A$`);
const CONTROLS = new RegExp(`(${ESCAPE}\\[\\d+[AJ]|\n)`);

/** What a terminal shows after these characters: enough of one for cursor-up and erase. */
function visible(text: string): string[] {
  const lines = [''];
  for (const part of text.split(CONTROLS)) {
    const up = CURSOR_UP.exec(part);
    if (up) lines.length = Math.max(1, lines.length - Number(up[1]));
    if (up) lines[lines.length - 1] = '';
    else if (part === '\n') lines.push('');
    else if (!part.startsWith(ESCAPE)) lines[lines.length - 1] += part;
  }
  return lines;
}

describe('banner', () => {
  const info = {
    version: '0.1.0',
    source: undefined,
    url: 'http://127.0.0.1:8082/mcp',
    loopback: true,
    servers: ['demo'],
  };

  it('says where it is, how safe it is and how to use it', () => {
    const text = banner(info);
    expect(text).toContain('built-in demo');
    expect(text).toContain('this machine only (loopback), no authentication');
    expect(text).toContain('claude mcp add --transport http gw http://127.0.0.1:8082/mcp');
    expect(text).toContain('{"mcpServers":{"gw":{"type":"http","url":"http://127.0.0.1:8082/mcp"}}}');
    expect(text).toContain('npx mcp-gateway call demo:echo message=hello\n');
  });

  it('warns beyond loopback and names the URL where it is not the default one', () => {
    const text = banner({
      ...info,
      loopback: false,
      url: 'http://10.0.0.1:9000/mcp',
      source: 'gw.yaml',
      servers: ['n8n'],
    });
    expect(text).toContain('WARNING: reachable from the network');
    expect(text).toContain('npx mcp-gateway call n8n:<tool> name=value --url http://10.0.0.1:9000/mcp\n');
  });

  it('says who may call, and how to call with it', () => {
    const { config } = configFrom({
      oauth: { enabled: true, authorization_servers: ['https://idp.example'] },
      api_keys: [{ name: 'ci', key: 'abcdefghijklmnopqrstuvwxyz0123456789' }],
    });
    const authentication = authenticationIn(config);
    const text = banner({ ...info, loopback: false, authentication });
    expect(text).toContain('the network; callers need an access token of https://idp.example or an API key\n');
    expect(text).not.toContain('WARNING');
    expect(text).toContain('MCP_GATEWAY_TOKEN=… npx mcp-gateway call demo:echo message=hello\n');
    expect(authenticationIn(configFrom({}).config)).toBeUndefined();
  });
});

describe('StatusBoard', () => {
  it('redraws the table in place on a terminal, with log lines above it', () => {
    const { terminal, take } = screen(true);
    let now = [status('everything'), status('files')];
    const board = new StatusBoard(terminal, () => now);
    board.start();
    board.write('a log line\n');
    now = [status('everything', READY), status('files')];
    board.update();
    const lines = visible(take());
    expect(lines[0]).toBe('a log line');
    expect(lines.filter((line) => line.includes('everything'))).toEqual([
      ' everything  ready       13     -        4        7          legacy 2025-11-25',
    ]);
  });

  it('estimates what the tools of each endpoint weigh, and says that it is an estimate', () => {
    const { terminal, take } = screen(true);
    const weights = [
      { path: '/mcp', endpoint: { kind: 'aggregate' }, tools: 13, tokens: 1698 },
      { path: '/mcp/few', endpoint: { kind: 'toolset', toolset: 'few' }, tools: 1, tokens: 90 },
      { path: '/mcp/everything', endpoint: { kind: 'server', server: 'everything' }, tools: 13, tokens: 1698 },
    ] as const;
    const board = new StatusBoard(
      terminal,
      () => [status('everything', READY)],
      () => weights,
    );
    board.start();
    const lines = visible(take());
    expect(lines[0]).toMatch(/^ SERVER +STATE +TOOLS +~TOKENS /);
    expect(lines[1]).toMatch(/^ everything +ready +13 +1698 +4 /);
    expect(lines.slice(2, 5)).toEqual([
      ' /mcp lists 13 tools, about 1698 tokens (an estimate: bytes / 4)',
      ' /mcp/few lists 1 tool, about 90 tokens (an estimate: bytes / 4)',
      '',
    ]);
    const plain = screen(false);
    const quiet = new StatusBoard(
      plain.terminal,
      () => [status('everything', READY)],
      () => weights,
    );
    quiet.start();
    expect(plain.take()).toContain('13     1698');
  });

  it('prints one line per change once everything has settled, and leaves causes to the log', () => {
    const { terminal, take } = screen(true);
    let now = [status('files')];
    const board = new StatusBoard(terminal, () => now);
    board.start();
    now = [status('files', READY)];
    board.update();
    take();
    now = [status('files', { state: 'unreachable', reason: 'it exited with code 1\nstack' })];
    board.update();
    expect(take()).toBe('');
    now = [status('files', { ...READY, counts: { tools: 1, prompts: 0, resources: 0 } })];
    board.update();
    board.update();
    expect(take()).toBe(' files: ready, 1 tool, 0 prompts, 0 resources, legacy 2025-11-25\n');
    now = [];
    board.update();
    expect(take()).toBe(' files: removed\n');
  });

  it('writes no control sequence without a terminal', () => {
    const { terminal, take } = screen(false);
    let now = [status('files')];
    const board = new StatusBoard(terminal, () => now);
    board.start();
    now = [status('files', READY)];
    board.update();
    const text = take();
    expect(text).not.toContain(ESCAPE);
    expect(text).toContain(' files: ready, 13 tools, 4 prompts, 7 resources, legacy 2025-11-25\n');
  });
});
