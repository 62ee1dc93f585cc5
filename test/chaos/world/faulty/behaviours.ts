import { type Behaviour, type Exchange, honest } from './exchange.js';

const SSE = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
/** Milliseconds between two events of a stream that does not end. */
const BEAT = 20;

const forCalls =
  (behaviour: Behaviour): Behaviour =>
  (exchange) =>
    (exchange.message.method === 'tools/call' ? behaviour : honest)(exchange);

/** Writes the same again and again until the connection is gone. */
function endless({ response }: Exchange, head: string, beat: (count: number) => string): void {
  response.writeHead(200, SSE).write(head);
  let count = 0;
  const timer = setInterval(() => response.write(beat(++count)), BEAT);
  response.once('close', () => clearInterval(timer));
}

function half(text: string): string {
  return text.slice(0, Math.ceil(text.length / 2));
}

export const HANGS: Readonly<Record<string, Behaviour>> = {
  'before-headers': forCalls(() => {}),
  'mid-body': forCalls(({ response, right }) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(right) }).write(half(right));
  }),
  'mid-event': forCalls(({ response, right }) => {
    response.writeHead(200, SSE).write(`event: message\ndata: ${half(right)}`);
  }),
  'after-initialize': (exchange) => {
    if (exchange.message.method === 'initialize') honest(exchange);
  },
};

export const RESETS: Readonly<Record<string, Behaviour>> = {
  'after-request': forCalls(({ socket }) => socket.resetAndDestroy()),
  'after-headers': forCalls(({ response, socket }) => {
    response.writeHead(200, JSON_TYPE).write('{', () => socket.resetAndDestroy());
  }),
  everything: ({ socket }) => socket.resetAndDestroy(),
};

export const NONSENSE: Readonly<Record<string, Behaviour>> = {
  'garbage-http': forCalls(({ socket }) => socket.end('\u0000\u0001SMTP ready\r\n\r\n')),
  'garbage-json': forCalls(({ response }) => response.writeHead(200, JSON_TYPE).end('}{"id":')),
  'truncated-json': forCalls(({ response, right }) => response.writeHead(200, JSON_TYPE).end(half(right))),
  'other-id': forCalls(({ response, right }) =>
    response.writeHead(200, JSON_TYPE).end(right.replace(/"id":(\d+)/, (_, id) => `"id":${Number(id) + 1}`)),
  ),
  'garbage-sse': forCalls(({ response }) =>
    response.writeHead(200, SSE).end('data: }{\n\nid: \u0000\ndata\n\n:::\n\n'),
  ),
  'truncated-sse': forCalls(({ response, right, socket }) => {
    response.writeHead(200, SSE).write(`data: ${half(right)}`, () => socket.destroy());
  }),
  'cut-sse': forCalls(({ response, right }) => response.writeHead(200, SSE).end(`data: ${right}`)),
  'endless-comments': forCalls((exchange) => endless(exchange, ': hello\n\n', () => ': still here\n\n')),
  'endless-event': forCalls((exchange) => endless(exchange, 'data: ', () => 'x'.repeat(32 * 1024))),
  'endless-progress': forCalls((exchange) => {
    const progressToken = exchange.message.params?._meta?.progressToken;
    endless(exchange, '', (progress) => {
      const params = { progressToken, progress };
      return `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`;
    });
  }),
};
