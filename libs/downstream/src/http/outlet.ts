import type { Socket } from 'node:net';

/** Where the body of an answer is written that has no known end. */
export interface Outlet {
  /** Bytes that its reader has not taken yet. */
  readonly writableLength: number;
  write(piece: Buffer): unknown;
  end(last: Buffer): unknown;
  destroy(): unknown;
}

const LINE_END = Buffer.from('\r\n');
const END = Buffer.from('0\r\n\r\n');

/** The rest of a chunked body, and its connection with it: the response that wrote its head is not needed for that. */
export class ChunkedOutlet implements Outlet {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  write(piece: Buffer): void {
    // A chunk without bytes would be the end.
    if (piece.length > 0) this.#socket.write(Buffer.concat([sizeOf(piece), piece, LINE_END]));
  }

  end(last: Buffer): void {
    this.write(last);
    this.#socket.write(END);
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function sizeOf(piece: Buffer): Buffer {
  return Buffer.from(`${piece.length.toString(16)}\r\n`, 'latin1');
}
