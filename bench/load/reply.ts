import { headerOf, type Response } from './response.ts';
import { shown, WrongReply } from './wrong-reply.ts';

/**
 * Reads a reply to the last bit: JSON, or a stream with notifications and the one response.
 * @throws WrongReply unless that is the result of the request with this id
 */
export function readResult(response: Response, id: number): Record<string, unknown> {
  const wrong = (kind: 'error' | 'content', why: string) => new WrongReply(kind, `${why}: ${shown(response.body)}`);
  if (response.status !== 200) throw new WrongReply('status', `${response.status}: ${shown(response.body)}`);
  const responses = messagesOf(response).filter((message) => message['method'] === undefined);
  const [message] = responses;
  if (responses.length !== 1 || message === undefined) throw wrong('content', `${responses.length} responses`);
  if (message['id'] !== id) throw wrong('content', `the reply to ${String(message['id'])}, not to ${id}`);
  if (message['error'] !== undefined) throw wrong('error', 'an error');
  const { result } = message;
  if (typeof result !== 'object' || result === null) throw wrong('content', 'no result');
  return result as Record<string, unknown>;
}

function messagesOf(response: Response): Record<string, unknown>[] {
  const text = response.body.toString();
  try {
    if (!headerOf(response, 'content-type')?.startsWith('text/event-stream')) return [JSON.parse(text)];
    return eventsIn(text).map((data) => JSON.parse(data));
  } catch {
    throw new WrongReply('content', `no JSON: ${shown(response.body)}`);
  }
}

/** The data of each event that has some. */
function eventsIn(text: string): string[] {
  return text
    .split('\n\n')
    .map((event) =>
      event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trimStart())
        .join('\n'),
    )
    .filter((data) => data !== '');
}
