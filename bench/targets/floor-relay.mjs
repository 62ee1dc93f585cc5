/**
 * @typedef {object} Route
 * @property {string} name
 * @property {import('undici').Pool} pool
 * @property {string} path
 */

/** Replies up to this size are sent with one write. */
const WHOLE = 64 * 1024;

/**
 * Passes a reply through: small ones at once, large ones and streams piece by piece and no faster than they are read.
 */
export class Relay {
  /** @type {import('undici').Dispatcher.DispatchController | undefined} */
  #controller;
  #response;
  /** @type {Buffer[] | undefined} */
  #parts;

  /** @param {import('node:http').ServerResponse} response */
  constructor(response) {
    this.#response = response;
  }

  abort() {
    this.#controller?.abort(new Error('the reader is gone'));
  }

  /** @param {import('undici').Dispatcher.DispatchController} controller */
  onRequestStart(controller) {
    this.#controller = controller;
  }

  /**
   * @param {import('undici').Dispatcher.DispatchController} _controller
   * @param {number} status
   * @param {import('node:http').IncomingHttpHeaders} headers
   */
  onResponseStart(_controller, status, headers) {
    /** @type {Record<string, string>} */
    const onward = {};
    const length = headers['content-length'];
    const session = headers['mcp-session-id'];
    if (headers['content-type'] !== undefined) onward['content-type'] = headers['content-type'];
    if (length !== undefined) onward['content-length'] = length;
    if (session !== undefined) onward['mcp-session-id'] = String(session);
    this.#response.writeHead(status, onward);
    if (length !== undefined && Number(length) <= WHOLE) this.#parts = [];
    else if (length === undefined) this.#response.flushHeaders();
  }

  /**
   * @param {import('undici').Dispatcher.DispatchController} controller
   * @param {Buffer} chunk
   */
  onResponseData(controller, chunk) {
    if (this.#parts) {
      this.#parts.push(chunk);
    } else if (!this.#response.write(chunk)) {
      controller.pause();
      this.#response.once('drain', () => controller.resume());
    }
  }

  onResponseEnd() {
    const parts = this.#parts;
    if (!parts) this.#response.end();
    else this.#response.end(parts.length === 1 ? parts[0] : Buffer.concat(parts));
  }

  onResponseError() {
    if (this.#response.headersSent) this.#response.destroy();
    else this.#response.writeHead(502, { 'content-length': 0 }).end();
  }
}
