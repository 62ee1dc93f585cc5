import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Roster, type Seated } from '#libs/kernel';

/** How many bytes a connection had carried when it was last looked at, and since when that number stands. */
interface Pulse extends Seated {
  readonly socket: Socket;
  bytes: number;
  since: number;
}

/**
 * The connections of clients, for a gateway that stops. HTTP/1.1 has no word for "send nothing more": a connection that
 * is closed just when its client writes costs a request. So each is closed with an answer that says so, and only what
 * nobody used for a while is closed from here. Requests pay nothing for this until the gateway stops.
 */
@Injectable()
export class Connections implements OnApplicationBootstrap {
  readonly #open = new Roster<Pulse>();
  #late: WeakSet<Socket> | undefined;
  #over = false;
  #leaving = false;
  #waiting = 0;

  constructor(private readonly host: HttpAdapterHost) {}

  get open(): number {
    return this.#open.size;
  }

  /** Requests of all routes that came after `leave` and have no answer yet. */
  get waiting(): number {
    return this.#waiting;
  }

  onApplicationBootstrap(): void {
    this.#server.on('connection', (socket) => {
      const pulse = { seat: -1, socket, bytes: 0, since: performance.now() };
      this.#open.add(pulse);
      this.#late?.add(socket);
      socket.on('close', () => this.#open.remove(pulse));
    });
  }

  /** From now on every answer, of whatever route, is the last one of its connection, and says so. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    // Before the handler, which may answer at once.
    this.#server.prependListener('request', (_request, response) => {
      response.shouldKeepAlive = false;
      this.#waiting++;
      response.once('close', () => {
        this.#waiting--;
      });
    });
    for (const pulse of this.#open.all()) feel(pulse);
  }

  /** Connections that are opened from now on are late. */
  markLate(): void {
    this.#late ??= new WeakSet();
  }

  /** From now on all are: what could do the work is being closed. */
  markAllLate(): void {
    this.#over = true;
  }

  /** Opened when the gateway had long said that it stops, or used when it does stop. */
  isLate(socket: Socket): boolean {
    return this.#over || (this.#late?.has(socket) ?? false);
  }

  /** Closes what carried nothing for so many milliseconds. Only while no request waits for its answer. */
  closeQuiet(milliseconds: number): void {
    const now = performance.now();
    for (const pulse of this.#open.all()) {
      feel(pulse);
      if (now - pulse.since >= milliseconds && pulse.socket.writableLength === 0) pulse.socket.destroy();
    }
  }

  /** Closes every connection there is. Node's own `closeAllConnections` knows only those that wait for requests. */
  closeAll(): void {
    for (const { socket } of this.#open.all()) socket.destroy();
  }

  get #server(): Server {
    return this.host.httpAdapter.getHttpServer();
  }
}

function feel(pulse: Pulse): void {
  const { socket } = pulse;
  const bytes = socket.bytesRead + socket.bytesWritten;
  if (bytes === pulse.bytes) return;
  pulse.bytes = bytes;
  pulse.since = performance.now();
}
