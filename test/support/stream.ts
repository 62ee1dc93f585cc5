import { modernBody, modernHeaders } from './modern.js';
import { type RawSession, sseData } from './raw.js';
import { type Cleanup, Inbox } from './wait.js';

export interface OpenStream {
  readonly response: Response;
  /** Every message that arrived on it, in order. */
  readonly messages: Inbox<{ method: string; params?: Record<string, unknown> }>;
  /** Resolves when the gateway, or the cleanup, ended it. */
  readonly ended: Promise<void>;
}

/** Opens a GET stream of a session and collects what arrives on it, until the cleanup. */
export async function listen(session: RawSession, cleanup: Cleanup): Promise<OpenStream> {
  const gone = new AbortController();
  cleanup.run(() => gone.abort());
  const headers = { ...session.headers, accept: 'text/event-stream' };
  return collected(await fetch(session.url, { headers, signal: gone.signal }));
}

/** Opens a modern client's `subscriptions/listen` and collects what arrives on it, until the cleanup. */
export async function listenModern(
  url: string,
  notifications: Record<string, unknown>,
  own: Record<string, string>,
  cleanup: Cleanup,
): Promise<OpenStream> {
  const gone = new AbortController();
  cleanup.run(() => gone.abort());
  const method = 'subscriptions/listen';
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...modernHeaders(method, {}),
    ...own,
  };
  const body = modernBody(method, { notifications });
  return collected(await fetch(url, { method: 'POST', headers, body, signal: gone.signal }));
}

function collected(response: Response): OpenStream {
  const messages: OpenStream['messages'] = new Inbox();
  const collect = async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      const end = text.lastIndexOf('\n\n') + 2;
      for (const data of sseData(text.slice(0, end))) messages.push(JSON.parse(data));
      text = text.slice(end);
    }
  };
  return { response, messages, ended: collect().catch(() => undefined) };
}
