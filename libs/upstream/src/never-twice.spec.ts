import { afterEach, describe, expect, it } from 'vitest';
import { EgressGuard } from '#libs/egress';
import { GatewayError } from '#libs/kernel';
import {
  type Connection,
  type ConnectOptions,
  type CredentialOutcome,
  UpstreamCredential,
  type UpstreamTarget,
} from '#libs/plugin';
import { UpstreamRegistry } from './registry/upstream-registry.js';
import { exchangeOf, jsonOf, RecordingSink, toolCall } from './testing/callers.js';
import { type RawCall, RawUpstream, type RawUpstreamOptions } from './testing/raw-upstream.js';
import { extensionsOf, proxyOf, RegistryBench, serverOf } from './testing/registries.js';
import { StreamableHttpTransport } from './transports/http/streamable-http.transport.js';

type Settings = Parameters<typeof serverOf>[2];

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const ERAS = ['legacy', 'modern'] as const;

/** A raw upstream behind a registry. */
async function world(options: RawUpstreamOptions = {}, settings: Settings = {}, transport = http()) {
  const raw = await RawUpstream.start(options);
  closers.push(() => raw.close());
  const bench = new RegistryBench({ 'streamable-http': transport });
  closers.push(() => bench.registry.stop(0));
  const server = serverOf(
    'lab',
    'streamable-http',
    { url: raw.url, ...settings },
    { protocol: options.era ?? 'legacy' },
  );
  await bench.up(proxyOf([server]));
  return { raw, bench };
}

const http = () => new StreamableHttpTransport(new EgressGuard());

const textOf = (result: Record<string, unknown>) => (result['content'] as { text: string }[])[0]?.text;

let nonces = 0;

/** Calls a tool as the proxy would, by what it says of itself. */
function call({ bench }: { bench: RegistryBench }, tool: 'write' | 'put' | 'read') {
  const nonce = `nonce-${++nonces}`;
  const exchange = exchangeOf();
  const request = toolCall(tool, { nonce }, { repeatable: tool !== 'write', solo: true });
  const outcome = bench.upstream('lab').send(request, exchange, new RecordingSink());
  const settled = outcome.then(
    (answer) => (answer.kind === 'error' ? jsonOf(answer) : textOf(jsonOf(answer))),
    (thrown: unknown) => thrown as GatewayError,
  );
  return { nonce, exchange, settled };
}

/** Ways to break off after the request was read, so that nobody can tell whether it was run. */
const BREAKS: readonly (readonly [string, (call: RawCall) => void])[] = [
  ['a reset after the request was read', ({ socket }) => void socket.resetAndDestroy()],
  ['an end before the head of the answer', ({ socket }) => void socket.end()],
  [
    'an end in the middle of the answer',
    ({ socket }) =>
      void socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{'),
  ],
  [
    'a stream that ends before the answer',
    ({ socket, stream }) => {
      stream();
      socket.end();
    },
  ],
];

describe.each(ERAS)('a call on a %s upstream that broke off', (era) => {
  describe.each(BREAKS)('by %s', (_name, breakOff) => {
    it('is not sent again when it may have been run, and says so', async () => {
      const at = await world({ era });
      at.raw.onCall = (each) => {
        each.run();
        breakOff(each);
      };
      const { nonce, settled } = call(at, 'write');
      expect(await settled).toMatchObject({
        code: 'UPSTREAM_DISCONNECTED',
        notExecuted: false,
        data: { server: 'lab', mayHaveExecuted: true },
      });
      expect(at.raw.executed).toEqual([nonce]);
    });

    it.each(['put', 'read'] as const)('is sent once more when its tool is %s', async (tool) => {
      const at = await world({ era });
      at.raw.onCall = (each) => {
        if (each.nth > 1) return each.serve();
        each.run();
        breakOff(each);
      };
      const { nonce, settled } = call(at, tool);
      expect(await settled).toBe(JSON.stringify(nonce));
      expect(at.raw.executed).toEqual([nonce, nonce]);
    });

    it('is not sent a third time', async () => {
      const at = await world({ era });
      at.raw.onCall = (each) => {
        each.run();
        breakOff(each);
      };
      const { nonce, settled } = call(at, 'put');
      expect(await settled).toMatchObject({
        code: 'UPSTREAM_DISCONNECTED',
        data: { mayHaveExecuted: true },
        message: expect.stringContaining('was sent twice'),
      });
      expect(at.raw.executed).toEqual([nonce, nonce]);
    });

    it('may have run when the second attempt was refused unseen', async () => {
      const at = await world({ era });
      at.raw.onCall = (each) => {
        if (each.nth > 1) return each.respond(429, 'no');
        each.run();
        breakOff(each);
      };
      const { nonce, settled } = call(at, 'put');
      expect(await settled).toMatchObject({
        notExecuted: false,
        data: { mayHaveExecuted: true },
        message: expect.stringContaining('sent before'),
      });
      expect(at.raw.executed).toEqual([nonce]);
    });

    it('is not sent again where connection.replay is never, whatever its tool says', async () => {
      const at = await world({ era }, { replay: 'never' });
      at.raw.onCall = (each) => {
        each.run();
        breakOff(each);
      };
      const { nonce, settled } = call(at, 'read');
      expect(await settled).toMatchObject({ code: 'UPSTREAM_DISCONNECTED', data: { mayHaveExecuted: true } });
      expect(at.raw.executed).toEqual([nonce]);
    });
  });

  it.each([400, 403, 409, 500, 502, 503, 504])('with HTTP %i is not sent again and may have run', async (status) => {
    const at = await world({ era });
    at.raw.onCall = (each) => {
      each.run();
      each.respond(status, 'no');
    };
    const { nonce, settled } = call(at, 'put');
    const error = await settled;
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ notExecuted: false, data: { server: 'lab', mayHaveExecuted: true } });
    expect(at.raw.executed).toEqual([nonce]);
  });

  it.each([401, 405, 406, 413, 415, 421, 429, 307])(
    'with HTTP %i is not sent again and did not run',
    async (status) => {
      const at = await world({ era });
      at.raw.onCall = (each) => each.respond(status, 'no');
      const { nonce, settled } = call(at, 'write');
      expect(await settled).toMatchObject({ notExecuted: true, data: { server: 'lab', mayHaveExecuted: false } });
      expect(at.raw.arrived).toEqual([nonce]);
    },
  );

  it('with an answer nobody can read may have run', async () => {
    const at = await world({ era });
    at.raw.onCall = (each) => {
      each.run();
      each.respond(200, 'it worked', { 'content-type': 'text/plain' });
    };
    const { nonce, settled } = call(at, 'put');
    expect(await settled).toMatchObject({ code: 'UPSTREAM_PROTOCOL', data: { mayHaveExecuted: true } });
    expect(at.raw.executed).toEqual([nonce]);
  });
});

describe('a call that provably was not run', () => {
  it('is sent again on a new session when the upstream has forgotten the old one', async () => {
    const at = await world({ sessions: true });
    at.raw.sessions.clear();
    const { nonce, settled } = call(at, 'write');
    expect(await settled).toBe(JSON.stringify(nonce));
    expect(at.raw.executed).toEqual([nonce]);
  });

  it('is sent again when the connection was refused, even where connection.replay is never', async () => {
    const transport = new ReopeningTransport();
    const at = await world({}, { replay: 'never' }, transport);
    await at.raw.silence();
    transport.reopen = () => at.raw.listen();
    const { nonce, settled } = call(at, 'write');
    expect(await settled).toBe(JSON.stringify(nonce));
    expect(transport.refused).toBe(1);
    expect(at.raw.executed).toEqual([nonce]);
  });

  it('fails as not executed when the connection is refused again', async () => {
    const transport = new ReopeningTransport();
    const at = await world({}, {}, transport);
    await at.raw.silence();
    const { settled } = call(at, 'write');
    expect(await settled).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      notExecuted: true,
      data: { mayHaveExecuted: false },
    });
    expect(transport.refused).toBeGreaterThan(0);
  });

  it('is sent again with another credential after a 401, once', async () => {
    const at = await worldWith(new Renewable());
    at.raw.onCall = (each) => (each.headers['x-key'] === 'key-1' ? each.respond(401) : each.serve());
    const { nonce, settled } = call(at, 'write');
    expect(await settled).toBe(JSON.stringify(nonce));
    expect(at.raw.arrived).toEqual([nonce, nonce]);
    expect(at.raw.executed).toEqual([nonce]);
  });

  it('has had enough after a second 401', async () => {
    const at = await worldWith(new Renewable());
    at.raw.onCall = (each) => each.respond(401);
    const { nonce, settled } = call(at, 'put');
    expect(await settled).toMatchObject({ code: 'UPSTREAM_UNAUTHORIZED', data: { mayHaveExecuted: false } });
    expect(at.raw.arrived).toEqual([nonce, nonce]);
  });
});

describe.each(ERAS)('a call to a %s upstream that ran out of time', (era) => {
  it('is not sent again, whatever its tool says, and is cancelled', async () => {
    // Long enough for a busy machine to have sent it: what was not sent is another case.
    const at = await world({ era }, { timeout: 500 });
    const closed = new Promise<void>((resolve) => {
      at.raw.onCall = (each) => {
        each.run();
        each.socket.on('close', () => resolve());
      };
    });
    const { nonce, settled } = call(at, 'put');
    expect(await settled).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      notExecuted: false,
      data: { server: 'lab', tool: 'put', limit: 'connection.timeout', milliseconds: 500, mayHaveExecuted: true },
    });
    await closed;
    if (era === 'legacy') await expect.poll(() => at.raw.cancelled.length).toBe(1);
    expect(at.raw.executed).toEqual([nonce]);
  });

  it('while it waited for a socket did not run, and the upstream hears nothing of it', async () => {
    const at = await world({ era }, { pool: 1, timeout: 150 });
    let talking: NodeJS.Timeout | undefined;
    const arrived = new Promise<RawCall>((resolve) => {
      at.raw.onCall = (each) => {
        each.run();
        each.stream();
        // Whatever comes on a call's own stream is a sign of its life.
        talking = setInterval(
          () => each.say({ method: 'notifications/message', params: { level: 'info', data: 1 } }),
          10,
        );
        resolve(each);
      };
    });
    const first = call(at, 'write');
    const running = await arrived;
    const second = call(at, 'write');
    const error = (await second.settled) as GatewayError;
    clearInterval(talking);
    expect(error).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
      notExecuted: true,
      data: { server: 'lab', tool: 'write', limit: 'connection.timeout', milliseconds: 150, mayHaveExecuted: false },
    });
    expect(error.message).toMatch(/got no free socket or credential within 150 ms .* was not executed/);
    running.say(running.result());
    expect(await first.settled).toBe(JSON.stringify(first.nonce));
    expect(at.raw.arrived).toEqual([first.nonce]);
    expect(at.raw.cancelled).toEqual([]);
  });
});

describe('an answer on its way', () => {
  it.each(['JSON', 'an event'])('is a sign of life piece by piece, as %s', async (form) => {
    const at = await world({}, { timeout: 1_000 });
    at.raw.onCall = async (each) => {
      each.run();
      const text = JSON.stringify(each.result());
      const head = form === 'JSON' ? `application/json\r\ncontent-length: ${text.length}` : 'text/event-stream';
      const pieces = form === 'JSON' ? [...text] : [...`data: ${text}`];
      each.socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${head}\r\n\r\n`);
      // Together longer than the limit on silence, none of them as long.
      const wait = Math.ceil(1_600 / pieces.length);
      for (const piece of pieces) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        each.socket.write(piece);
      }
      if (form !== 'JSON') each.socket.write('\n\n');
    };
    const { nonce, settled } = call(at, 'write');
    expect(await settled).toBe(JSON.stringify(nonce));
    expect(at.raw.executed).toEqual([nonce]);
  });

  it('does not begin with the comments that keep its stream open', async () => {
    const at = await world({}, { timeout: 150 });
    let talking: NodeJS.Timeout | undefined;
    at.raw.onCall = (each) => {
      each.run();
      each.stream();
      talking = setInterval(() => each.socket.write(': still here\n\n'), 10);
    };
    const { settled } = call(at, 'write');
    const error = await settled;
    clearInterval(talking);
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT', data: { limit: 'connection.timeout' } });
  });
});

describe('words of a modern tool', () => {
  it('that sound like a server of the other era are believed only when the server says the same', async () => {
    const at = await world({ era: 'modern' });
    at.raw.onCall = (each) => {
      each.run();
      each.respond(200, {
        jsonrpc: '2.0',
        id: (each.result()['id'] ?? null) as number,
        error: { code: -32000, message: 'Your database session is not initialized' },
      });
    };
    const { nonce, settled } = call(at, 'write');
    expect(await settled).toMatchObject({ code: -32000 });
    expect(at.raw.methods.at(-1)).toBe('server/discover');
    expect(at.raw.executed).toEqual([nonce]);
    expect(at.bench.upstream('lab').status.state).toBe('ready');
  });
});

/** A world whose upstream wants a credential. */
async function worldWith(credential: UpstreamCredential) {
  const raw = await RawUpstream.start();
  closers.push(() => raw.close());
  const bench = new RegistryBench({ 'streamable-http': http() });
  const known = extensionsOf({ 'streamable-http': http() });
  const registry = new UpstreamRegistry({
    get: (point, name) => ((point as unknown) === UpstreamCredential ? credential : known.get(point, name)) as never,
  });
  Object.defineProperty(bench, 'registry', { value: registry });
  closers.push(() => registry.stop(0));
  bench.apply(proxyOf([serverOf('lab', 'streamable-http', { url: raw.url }, { protocol: 'legacy' })]));
  await expect.poll(() => bench.upstream('lab').status.state).toBe('ready');
  return { raw, bench };
}

/** Another key after each refusal. */
class Renewable extends UpstreamCredential {
  override readonly personal = false;
  #nth = 1;

  headers(): CredentialOutcome {
    return { kind: 'ok', headers: { 'x-key': `key-${this.#nth}` } };
  }

  override refused(): boolean {
    this.#nth++;
    return true;
  }
}

/** Lets an upstream come back after the first refused call, before the gateway learns of the refusal. */
class ReopeningTransport extends StreamableHttpTransport {
  refused = 0;
  reopen: () => Promise<void> = async () => {};

  constructor() {
    super(new EgressGuard());
  }

  override async connect(target: UpstreamTarget, options: ConnectOptions): Promise<Connection> {
    const connection = await super.connect(target, options);
    const send = connection.send.bind(connection);
    connection.send = (request, sink) => {
      if (request.method !== 'tools/call') return send(request, sink);
      return send(request, {
        onMessage: (message) => sink.onMessage(message),
        onError: (error) => {
          this.refused++;
          const back = this.reopen();
          this.reopen = async () => {};
          void back.then(() => sink.onError(error));
        },
      });
    };
    return connection;
  }
}
