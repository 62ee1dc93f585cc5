import { modernBody, modernHeaders } from './modern.js';
import { type RawSession, sseData } from './raw.js';
import { type Cleanup, Inbox } from './wait.js';

export interface StreamMessage {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

export interface OpenStream {
  readonly response: Response;
  /** Every message that arrived on it, in order. */
  readonly messages: Inbox<StreamMessage>;
  /** Resolves when the gateway, or the cleanup, ended it. */
  readonly ended: Promise<void>;
  /** Goes away. */
  close(): void;
}

/** Opens a GET stream of a session and collects what arrives on it, until the cleanup. */
export async function listen(session: RawSession, cleanup: Cleanup): Promise<OpenStream> {
  return open(session.url, { headers: { ...session.headers, accept: 'text/event-stream' } }, cleanup);
}

/** Posts a message in a session and collects what arrives on the stream that answers it. */
export async function post(session: RawSession, message: object, cleanup: Cleanup): Promise<OpenStream> {
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return open(session.url, { method: 'POST', headers: { ...TYPES, ...session.headers }, body }, cleanup);
}

/** The same for a modern request. */
export async function postModern(
  url: string,
  method: string,
  params: Record<string, unknown>,
  request: { readonly headers?: Record<string, string>; readonly id?: string | number; readonly meta?: object },
  cleanup: Cleanup,
): Promise<OpenStream> {
  const headers = { ...TYPES, ...modernHeaders(method, params), ...request.headers };
  const body = modernBody(method, params, { id: request.id ?? 1, meta: { ...request.meta } });
  return open(url, { method: 'POST', headers, body }, cleanup);
}

/** Opens a modern client's `subscriptions/listen` and collects what arrives on it, until the cleanup. */
export async function listenModern(
  url: string,
  notifications: Record<string, unknown>,
  headers: Record<string, string>,
  cleanup: Cleanup,
): Promise<OpenStream> {
  return postModern(url, 'subscriptions/listen', { notifications }, { headers }, cleanup);
}

const TYPES = { 'content-type': 'application/json', accept: 'text/event-stream, application/json;q=0.5' };

async function open(url: string, init: RequestInit, cleanup: Cleanup): Promise<OpenStream> {
  const gone = new AbortController();
  cleanup.run(() => gone.abort());
  const response = await fetch(url, { ...init, signal: gone.signal });
  const messages: OpenStream['messages'] = new Inbox();
  const collect = async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const last = text.lastIndexOf('\n\n');
      if (last === -1) continue;
      for (const data of sseData(text.slice(0, last))) messages.push(JSON.parse(data));
      text = text.slice(last + 2);
    }
    if (text.startsWith('{')) messages.push(JSON.parse(text));
  };
  const ended = collect().catch(() => undefined);
  return { response, messages, ended, close: () => gone.abort() };
}
