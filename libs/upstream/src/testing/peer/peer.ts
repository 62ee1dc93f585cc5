// The other side of the transport contract suite: it answers requests, notifies, asks back, stays silent and talks
// nonsense on demand. It knows JSON-RPC and nothing of MCP, and runs on any wire that can carry a line of text.

export interface PeerMessage {
  readonly jsonrpc: '2.0';
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

export interface PeerWire {
  /** One message, with the request it belongs to. */
  send(message: PeerMessage, requestId: number | undefined): void;
  /** Text that is no message. */
  raw(text: string, requestId: number | undefined): void;
}

type Params = Readonly<Record<string, unknown>>;

export function createPeer({ send, raw }: PeerWire): { receive(message: PeerMessage): void } {
  const questions = new Map<number | string | undefined, (result: unknown) => void>();
  const held = new Map<unknown, number>();
  let asked = 0;
  let notified = 0;

  const answer = (id: number, result: unknown) => send({ jsonrpc: '2.0', id, result }, id);

  const methods: Readonly<Record<string, (id: number, params: Params) => unknown>> = {
    echo: (id, params) => answer(id, params),
    big: (id, { bytes }) => answer(id, { text: 'x'.repeat(Number(bytes)) }),
    length: (id, { text }) => answer(id, { length: String(text).length }),
    notes: (id) => answer(id, { notified }),
    silent: () => {},
    notify: (id, { count }) => {
      for (let step = 1; step <= Number(count); step++) {
        send({ jsonrpc: '2.0', method: 'notifications/step', params: { step } }, id);
      }
      answer(id, {});
    },
    announce: (id, params) => {
      send({ jsonrpc: '2.0', method: 'notifications/announced', params }, undefined);
      answer(id, {});
    },
    ask: (id, params) => {
      const question = `question-${++asked}`;
      questions.set(question, (result) => answer(id, { result }));
      send({ jsonrpc: '2.0', id: question, method: 'test/question', params }, id);
    },
    hold: (id, { key }) => held.set(key, id),
    release: (id, { key }) => {
      answer(held.get(key) ?? 0, { released: key });
      answer(id, {});
    },
    garbage: (id) => {
      raw('starting up on port 3000', id);
      raw('{ level: "info" }', id);
      answer(id, {});
    },
  };

  return {
    receive({ id, method, params, result }) {
      if (method === undefined) questions.get(id)?.(result);
      else if (typeof id !== 'number') notified += 1;
      else if (methods[method]) methods[method](id, (params ?? {}) as Params);
      else send({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } }, id);
    },
  };
}

/** A function that cuts text into lines. */
export function lines(take: (line: string) => void): (chunk: string) => void {
  let parts: string[] = [];
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      take(parts.join('') + chunk.slice(start, end));
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.slice(start));
  };
}

// Also a program of its own, which Node runs as it is: so it imports nothing of the tree.
if (process.argv[1] === import.meta.filename) {
  const peer = createPeer({
    send: (message) => process.stdout.write(`${JSON.stringify(message)}\n`),
    raw: (text) => process.stdout.write(`${text}\n`),
  });
  process.stdin.setEncoding('utf8').on(
    'data',
    lines((line) => peer.receive(JSON.parse(line))),
  );
}
