// The other side of the transport contract suite: it answers requests, notifies, asks back, stays silent and talks
// nonsense on demand. It knows JSON-RPC and nothing of MCP, and runs on any wire that can carry a line of text.

/**
 * @param wire `send(message, requestId)`: one message, with the request it belongs to; `raw(text, requestId)`: bytes that
 *   are no message
 */
export function createPeer({ send, raw }) {
  const questions = new Map();
  const held = new Map();
  let asked = 0;
  let notified = 0;

  const answer = (id, result) => send({ jsonrpc: '2.0', id, result }, id);

  const methods = {
    echo: (id, params) => answer(id, params),
    big: (id, { bytes }) => answer(id, { text: 'x'.repeat(bytes) }),
    length: (id, { text }) => answer(id, { length: text.length }),
    notes: (id) => answer(id, { notified }),
    silent: () => {},
    notify: (id, { count }) => {
      for (let step = 1; step <= count; step++) {
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
      answer(held.get(key), { released: key });
      answer(id, {});
    },
    garbage: (id) => {
      raw('starting up on port 3000', id);
      raw('{ level: "info" }', id);
      answer(id, {});
    },
  };

  return {
    receive(message) {
      if (message.method === undefined) questions.get(message.id)?.(message.result);
      else if (message.id === undefined) notified += 1;
      else if (methods[message.method]) methods[message.method](message.id, message.params ?? {});
      else send({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no such method' } }, message.id);
    },
  };
}

/** A function that cuts text into lines. */
export function lines(take) {
  let parts = [];
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

if (import.meta.main ?? process.argv[1] === import.meta.filename) {
  const peer = createPeer({
    send: (message) => process.stdout.write(`${JSON.stringify(message)}\n`),
    raw: (text) => process.stdout.write(`${text}\n`),
  });
  process.stdin.setEncoding('utf8').on(
    'data',
    lines((line) => peer.receive(JSON.parse(line))),
  );
}
