import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const NOTHING = Buffer.alloc(0);

type Upgradable = IncomingMessage & { upgrade: boolean };

/**
 * The connection ends with this answer, which is under way for as long as the client likes: no request comes on it any more.
 * A parser that waits for one holds eleven kilobytes, half of what an open stream costs.
 */
export function isLastRequest(res: ServerResponse): void {
  // The request may be on the parser's own stack.
  setImmediate(releaseParser, res);
}

/**
 * Node lets go of a connection's parser, and of its own listeners, when a request was one to upgrade: as soon as the parser
 * has run, the connection is handed to whoever hears `upgrade`, synchronously. With nothing to parse, this is all that happens.
 */
function releaseParser(res: ServerResponse): void {
  const { req, socket } = res;
  if (!socket || socket.destroyed || socket.isPaused() || res.writableEnded) return;
  const { server } = socket as Socket & { server: Server };
  // Whoever else hears it would take the connection for theirs.
  if (server.listenerCount('upgrade') > 0) return;
  server.on('upgrade', handedOver);
  (req as Upgradable).upgrade = true;
  socket.emit('data', NOTHING);
  (req as Upgradable).upgrade = false;
  server.off('upgrade', handedOver);
}

/** What remains to be heard of it, now that Node does not: that it broke, and that the client is done. */
function handedOver(_req: IncomingMessage, socket: Socket): void {
  socket.on('error', onError).on('end', onEnd).resume();
}

function onError(this: Socket): void {
  this.destroy();
}

function onEnd(this: Socket): void {
  this.end();
}
