/** Bytes a piece of the queue has room for: what a busy gateway gathers between two writes. */
const PIECE = 128 * 1024;
const NEWLINE = 0x0a;

/** Whole lines in one stretch of memory; those before `start` are written. */
export interface Piece {
  readonly bytes: Buffer;
  start: number;
  end: number;
}

/**
 * Lines that wait to be written, as the bytes they will be: each is put where the last one ended, in memory that is used again
 * and again. Lines kept as strings or buffers of their own would each outlive the collections of a busy process, and be moved
 * by them.
 */
export class LineQueue {
  readonly #pieces: Piece[] = [];
  /** The last piece that was emptied. */
  #spare: Piece | undefined;
  #bytes = 0;

  constructor(private readonly maxBytes: number) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a line, which ends with its only newline. False when there is no room for it. */
  add(line: string): boolean {
    // No character takes more than three bytes of UTF-8, so most lines need not be measured.
    let longest = 3 * line.length;
    if (this.#bytes + longest > this.maxBytes) {
      longest = Buffer.byteLength(line);
      if (this.#bytes + longest > this.maxBytes) return false;
    }
    const piece = this.#pieceFor(line, longest);
    const size = piece.bytes.write(line, piece.end);
    piece.end += size;
    this.#bytes += size;
    return true;
  }

  /** What is to be written first. Lines that are added later stand behind its `end`. */
  first(): Readonly<Piece> {
    return this.#pieces[0] as Piece;
  }

  /** So many bytes of the first piece are in the file. */
  written(bytes: number): void {
    const piece = this.#pieces[0] as Piece;
    piece.start += bytes;
    this.#bytes -= bytes;
    if (piece.start < piece.end) return;
    piece.start = 0;
    piece.end = 0;
    if (this.#pieces.length === 1) return;
    this.#pieces.shift();
    if (piece.bytes.length === PIECE) this.#spare = piece;
  }

  /** The line that is written in part is to be written from its beginning. */
  untear(): void {
    const [piece] = this.#pieces;
    if (!piece || piece.start === 0) return;
    const begin = piece.bytes.lastIndexOf(NEWLINE, piece.start - 1) + 1;
    this.#bytes += piece.start - begin;
    piece.start = begin;
  }

  /** Lines that are not written, or not wholly. */
  count(): number {
    let lines = 0;
    for (const { bytes, start, end } of this.#pieces) {
      for (let at = bytes.indexOf(NEWLINE, start); at >= 0 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
    }
    return lines;
  }

  #pieceFor(line: string, longest: number): Piece {
    const last = this.#pieces.at(-1);
    if (last && last.bytes.length - last.end >= longest) return last;
    const size = Buffer.byteLength(line);
    if (last && last.bytes.length - last.end >= size) return last;
    const piece = (size <= PIECE && this.#spare) || {
      bytes: Buffer.allocUnsafeSlow(Math.max(PIECE, size)),
      start: 0,
      end: 0,
    };
    this.#spare = undefined;
    this.#pieces.push(piece);
    return piece;
  }
}
