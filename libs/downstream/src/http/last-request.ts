import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ChunkedOutlet, type Outlet } from './outlet.js';

const NOTHING = Buffer.alloc(0);

type Upgradable = IncomingMessage & { upgrade: boolean };

/** Writes the answer. */
export interface Writer {
  /** From now on it is written here, and `socket` says when it is over: the response hears nothing any more. */
  moved(outlet: Outlet, socket: Socket): void;
}

/**
 * The connection ends with this answer, which is under way for as long as the client likes: no request comes on it any more.
 * A parser that waits for one holds eleven kilobytes, half of what an open stream costs; request and response hold two, which
 * a writer that can do without them saves.
 */
export function markLastRequest(res: ServerResponse, writer?: Writer): void {
  // The request may be on the parser's own stack.
  setImmediate(release, res, writer);
}

function release(res: ServerResponse, writer: Writer | undefined): void {
  const { socket } = res;
  if (!socket || socket.destroyed || socket.isPaused() || res.writableEnded) return;
  if (releaseParser(res.req, socket) && writer && canMove(res, socket)) {
    res.detachSocket(socket);
    writer.moved(new ChunkedOutlet(socket), socket);
  }
}

/**
 * Node lets go of a connection's parser, and of its own listeners, when a request was one to upgrade: as soon as the parser
 * has run, the connection is handed to whoever hears `upgrade`, synchronously. With nothing to parse, this is all that happens.
 */
function releaseParser(req: IncomingMessage, socket: Socket): boolean {
  const { server } = socket as Socket & { server: Server };
  // Whoever else hears it would take the connection for theirs.
  if (server.listenerCount('upgrade') > 0) return false;
  server.on('upgrade', handedOver);
  (req as Upgradable).upgrade = true;
  socket.emit('data', NOTHING);
  (req as Upgradable).upgrade = false;
  server.off('upgrade', handedOver);
  return socket.listeners('end').includes(onEnd);
}

/** The head is out, and nobody but the writer waits for the end of the response, as a log may. */
function canMove(res: ServerResponse, socket: Socket): boolean {
  return res.chunkedEncoding && res.writableLength === socket.writableLength && res.listenerCount('close') === 1;
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
