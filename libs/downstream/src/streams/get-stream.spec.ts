import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { begin, EventReader } from '../testing/http.js';
import { GetStream } from './get-stream.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

class Standalone extends GetStream {
  constructor(
    response: ServerResponse,
    readonly gone: GetStream[],
  ) {
    super(response, { hasRoom: () => true });
    this.hold({ valid: true, release() {} });
  }

  protected closed(): void {
    this.gone.push(this);
  }
}

async function opened() {
  const streams: GetStream[] = [];
  const gone: GetStream[] = [];
  const server = createServer((_request, response) => {
    streams.push(new Standalone(response, gone));
  }).listen(0, '127.0.0.1');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reader = new EventReader(await begin(base, { method: 'GET' }));
  return { stream: streams[0] as GetStream, gone, reader };
}

describe('GetStream', () => {
  it('is kept alive by comments, only while it is quiet', async () => {
    const { stream, reader } = await opened();
    for (let tick = 0; tick < 3; tick++) stream.tick();
    for (let tick = 0; tick < 2; tick++) stream.tick();
    stream.send(Buffer.from('data: {"n":1}\n\n'));
    for (let tick = 0; tick < 2; tick++) stream.tick();
    stream.end();
    expect(await reader.rest()).toEqual([{ n: 1 }]);
    expect(reader.comments).toEqual([': keep-alive']);
  });

  it('ends once, however often it is ended', async () => {
    const { stream, gone, reader } = await opened();
    stream.end();
    // A response that is written to after its end throws where nobody catches it.
    stream.end();
    expect(await reader.rest()).toEqual([]);
    expect(gone).toEqual([stream]);
  });

  it('says once that it is closed, whoever closes it, and takes nothing more', async () => {
    const { stream, gone, reader } = await opened();
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
