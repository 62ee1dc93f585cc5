import type { Server } from 'node:http';

/**
 * Has all connections look alike to V8, whatever is asked on them. Node keeps a peer's address in the socket when somebody
 * first reads it, which nobody does for probes and scrapes: their sockets get their members in another order. The first
 * such request throws away the machine code of everything Node does with sockets, and what is made instead knows both
 * kinds, for every call.
 */
export function keepSocketsAlike(server: Server): void {
  server.on('connection', (socket) => void socket.remoteAddress);
}
