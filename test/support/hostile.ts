import type { ServerResponse } from 'node:http';
import { RecordingUpstream } from './recording-upstream.js';

/** What a hostile tool does instead of answering. `id` is the JSON text of the request's id. */
export type Trick = (response: ServerResponse, id: string) => void;

/** A recording upstream whose tools of these names answer calls in their own way. */
export async function startHostile(tricks: Readonly<Record<string, Trick>>): Promise<RecordingUpstream> {
  return RecordingUpstream.start({
    era: 'legacy',
    sessions: false,
    tools: ['read', ...Object.keys(tricks)],
    intercept: ({ rpc }, response) => {
      const trick = rpc.method === 'tools/call' ? tricks[String(rpc.params?.['name'])] : undefined;
      trick?.(response, JSON.stringify(rpc.id));
      return trick !== undefined;
    },
  });
}

export const JSON_TYPE = { 'content-type': 'application/json' };
export const SSE_TYPE = { 'content-type': 'text/event-stream' };

/** Writes chunks for as long as somebody reads them. */
export function flood(response: ServerResponse, chunk: () => string | Buffer): void {
  const more = () => {
    while (!response.destroyed && response.write(chunk()));
  };
  response.on('drain', more);
  more();
}
