import { type Agent, request as httpRequest } from 'node:http';
import { sseData } from '../../support/raw.js';
import type { Outcome } from '../ledger/call.js';
import { onSilence } from './client.js';

export interface Posted {
  readonly status: number;
  readonly session: string | undefined;
  /** JSON texts: the body, or the data of each event. */
  readonly messages: readonly string[];
}

export interface PostOptions {
  readonly agent: Agent;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly method?: 'POST' | 'DELETE';
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** One exchange over a kept connection: what came, or how it failed to come. */
export async function post({ agent, url, headers, body, method = 'POST' }: PostOptions): Promise<Posted | Outcome> {
  return new Promise((resolve) => {
    const request = httpRequest(url, { method, agent, headers: { ...HEADERS, ...headers } });
    const settled = onSilence(() => {
      resolve({ kind: 'silence' });
      request.destroy();
    });
    const end = (result: Posted | Outcome) => {
      settled();
      resolve(result);
    };
    const broken = (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'broken', said: error.message });
    request.on('error', broken);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', broken);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const events = response.headers['content-type']?.startsWith('text/event-stream') ?? false;
        const session = response.headers['mcp-session-id'];
        end({
          status: response.statusCode ?? 0,
          session: typeof session === 'string' ? session : undefined,
          messages: events ? sseData(text) : text === '' ? [] : [text],
        });
      });
    });
    request.end(body);
  });
}
