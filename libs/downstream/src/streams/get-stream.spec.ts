import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outlet } from '../http/outlet.js';
import { begin, EventReader } from '../testing/http.js';
import { GetStream } from './get-stream.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

class Standalone extends GetStream {
  hasMoved = false;

  constructor(
    response: ServerResponse,
    readonly gone: GetStream[],
  ) {
    super(response, { hasRoom: () => true });
    this.hold({ valid: true, release() {} });
  }

  override moved(outlet: Outlet, socket: Socket): void {
    super.moved(outlet, socket);
    this.hasMoved = true;
  }

  protected closed(): void {
    this.gone.push(this);
  }
}

async function opened(moved: boolean) {
  const streams: Standalone[] = [];
  const gone: GetStream[] = [];
  const server = createServer((_request, response) => {
    streams.push(new Standalone(response, gone));
  }).listen(0, '127.0.0.1');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reader = new EventReader(await begin(base, { method: 'GET' }));
  if (moved) await expect.poll(() => streams[0]?.hasMoved).toBe(true);
  return { stream: streams[0] as GetStream, gone, reader };
}

describe.each([
  ['with its response', false],
  ['without', true],
])('GetStream, %s', (_how, moved) => {
  it('is kept alive by comments, only while it is quiet', async () => {
    const { stream, reader } = await opened(moved);
    for (let tick = 0; tick < 3; tick++) stream.tick();
    for (let tick = 0; tick < 2; tick++) stream.tick();
    stream.send(Buffer.from('data: {"n":1}\n\n'));
    for (let tick = 0; tick < 2; tick++) stream.tick();
    stream.end();
    expect(await reader.rest()).toEqual([{ n: 1 }]);
    expect(reader.comments).toEqual([': keep-alive']);
    expect(reader.response.complete).toBe(true);
  });

  it('loses and reorders nothing, whatever the size', async () => {
    const { stream, reader } = await opened(moved);
    const texts = [0, 1, 15, 16, 70_000].map((length) => 'ä'.repeat(length));
    for (const text of texts) stream.send(Buffer.from(`data: ${JSON.stringify(text)}\n\n`));
    stream.end();
    expect(await reader.rest()).toEqual(texts);
  });

  it('ends once, however often it is ended', async () => {
    const { stream, gone, reader } = await opened(moved);
    stream.end();
    // A response that is written to after its end throws where nobody catches it.
    stream.end();
    expect(await reader.rest()).toEqual([]);
    expect(gone).toEqual([stream]);
  });

  it('says once that it is closed, whoever closes it, and takes nothing more', async () => {
    const { stream, gone, reader } = await opened(moved);
    const heard: string[] = [];
    stream.onClosed(() => heard.push('kept'));
    stream.onClosed(() => heard.push('dropped'))();
    reader.close();
    await expect.poll(() => gone).toEqual([stream]);
    stream.end();
    expect(gone).toHaveLength(1);
    expect(heard).toEqual(['kept']);
    expect(stream.send(Buffer.from('data: {}\n\n'))).toBe(false);
  });
});
