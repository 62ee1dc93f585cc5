import type { IncomingMessage, ServerResponse } from 'node:http';

/** How an endpoint answers: as it should, or in one of the ways in which endpoints fail. */
export type Answers =
  | 'ok'
  | 'hang'
  | 'huge'
  | 'html'
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly redirect: string }
  | { readonly body: unknown };

const HUGE = 50 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 0x20);

/** An endpoint that counts who asked and can be made to fail. */
export class Switch {
  answers: Answers = 'ok';
  /** Requests so far. */
  requests = 0;
  /** Bytes written by `huge` so far. */
  sent = 0;

  /** Answers in the way it is set to; false: `ok`, so that somebody else has to. */
  handle(_request: IncomingMessage, response: ServerResponse): boolean {
    this.requests++;
    const { answers } = this;
    if (answers === 'ok') return false;
    if (answers === 'hang') return true;
    if (answers === 'huge') this.#flood(response);
    else if (answers === 'html') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Down</title>');
    } else if ('redirect' in answers) response.writeHead(302, { location: answers.redirect }).end();
    else {
      const { status, headers } = 'status' in answers ? answers : { status: 200, headers: {} };
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(answers.body ?? { error: 'server_error' }));
    }
    return true;
  }

  #flood(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const more = () => {
      while (this.sent < HUGE && !response.destroyed) {
        this.sent += CHUNK.length;
        if (!response.write(CHUNK)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    response.on('error', () => {});
    more();
  }
}
