import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Accepted } from '../http/post-headers.js';
import { begin, EventReader, send } from '../testing/http.js';
import { PostReply, type ReplyParts } from './post-reply.js';
import { StreamRegistry } from './stream-registry.js';

type Settings = Accepted & ReplyParts;

const SINGLE: Settings = { json: true, stream: true, streamFirst: false, batch: false, requests: 1 };
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A server whose POSTs are answered by `act`. */
async function answering(settings: Settings, act: (reply: PostReply, socket: Socket) => void) {
  const registry = new StreamRegistry({ hasRoom: () => true, unread: () => {} });
  const server = createServer((_request, response) =>
    act(new PostReply(response, settings, registry, settings), response.socket as Socket),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, registry };
}

/** How often a socket's bytes went to the system. */
function writesOf(socket: Socket): () => number {
  let writes = 0;
  for (const way of ['write', 'writev'] as const) {
    const own = socket[`_${way}`] as (...given: unknown[]) => void;
    socket[`_${way}`] = (...given: unknown[]) => {
      writes++;
      own.apply(socket, given);
    };
  }
  return () => writes;
}

/** One POST answered by `act`. */
async function answered(settings: Settings, act: (reply: PostReply) => void) {
  const { url, registry } = await answering(settings, act);
  const response = await begin(url, { body: {} });
  const reader = new EventReader(response);
  const messages = await reader.rest();
  registry.stop();
  return { response, messages, comments: reader.comments, registry };
}

const quietFor = (reply: PostReply, ticks: number) => {
  for (let tick = 0; tick < ticks; tick++) reply.tick();
};

describe('PostReply', () => {
  it('becomes a stream after a while of silence and is kept alive', async () => {
    const { response, comments, messages } = await answered(SINGLE, (reply) => {
      quietFor(reply, 3);
      setImmediate(() => reply.answer(Buffer.from('{"id":1}')));
    });
    expect(response.headers['content-type']).toBe('text/event-stream');
    expect(comments).toEqual([': keep-alive']);
    expect(messages).toEqual([{ id: 1 }]);
  });

  it.each([
    ['the head with the first message, the last one with the end', SINGLE, true, 2],
    ['everything at once where nothing came before', { ...SINGLE, streamFirst: true }, false, 1],
  ])('writes a stream as seldom as it can: %s', async (_, settings, progress, expected) => {
    const writes: (() => number)[] = [];
    const { url, registry } = await answering(settings, (reply, socket) => {
      writes.push(writesOf(socket));
      if (progress) reply.send(Buffer.from('data: {"method":"n"}\n\n'));
      setImmediate(() => reply.answer(Buffer.from('{"id":1}')));
    });
    const { text } = await send(url, { body: {} });
    registry.stop();
    expect(text).toBe(`${progress ? 'data: {"method":"n"}\n\n' : ''}event: message\ndata: {"id":1}\n\n`);
    expect(writes.map((count) => count())).toEqual([expected]);
  });

  it('stays JSON while it is quick, or when the client reads no streams', async () => {
    const quick = await answered(SINGLE, (reply) => {
      quietFor(reply, 2);
      reply.answer(Buffer.from('{"id":1}'));
    });
    expect(quick.response.headers['content-type']).toBe('application/json');
    const deaf = await answered({ ...SINGLE, stream: false }, (reply) => {
      quietFor(reply, 9);
      expect(reply.send(Buffer.from('data: {}\n\n'))).toBe(false);
      reply.answer(Buffer.from('{"id":1}'));
    });
    expect(deaf.response.headers['content-length']).toBe('8');
  });

  it('sends an answer in pieces as one message', async () => {
    const pieces = ['{"id":1,', '"text":"ä"', '}'].map((piece) => Buffer.from(piece));
    const wholeBy = async (settings: Settings) => {
      const { url, registry } = await answering(settings, (reply) => reply.answer(pieces));
      const { headers, text } = await send(url, { body: {} });
      registry.stop();
      return [headers['content-length'], text];
    };
    expect(await wholeBy(SINGLE)).toEqual(['20', '{"id":1,"text":"ä"}']);
    expect(await wholeBy({ ...SINGLE, batch: true })).toEqual(['22', '[{"id":1,"text":"ä"}]']);
    expect(await wholeBy({ ...SINGLE, streamFirst: true })).toEqual([
      undefined,
      'event: message\ndata: {"id":1,"text":"ä"}\n\n',
    ]);
  });

  it('is forgotten by the registry when it is over', async () => {
    const { registry } = await answered(SINGLE, (reply) => reply.answer(Buffer.from('{}')));
    expect(registry.replies).toBe(0);
  });

  it('sends what a batch has collected so far when it becomes a stream', async () => {
    const { messages } = await answered({ ...SINGLE, batch: true, requests: 2 }, (reply) => {
      reply.answer(Buffer.from('{"id":1}'));
      reply.send(Buffer.from('data: {"method":"n"}\n\n'));
      reply.answer(Buffer.from('{"id":2}'));
    });
    expect(messages).toEqual([{ id: 1 }, { method: 'n' }, { id: 2 }]);
  });
});
