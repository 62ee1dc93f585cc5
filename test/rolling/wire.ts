import { Agent, fetch as undiciFetch } from 'undici';

/** What a client's requests and their answers looked like, seen where it sends them: on connections of its own. */
export class Wire {
  /** Requests by their JSON-RPC method; answers to questions count as `answer`. */
  readonly sent = new Map<string, number>();
  /** Statuses other than success, with the request that got them. */
  readonly refused: { readonly sent: string; readonly status: number; readonly code: string | undefined }[] = [];
  /** GET streams that are open. */
  streams = 0;
  readonly #agent = new Agent();

  constructor(private readonly onRefused: (sent: string, code: string | undefined) => void = () => {}) {}

  readonly fetch = (async (url: string | URL, init: RequestInit = {}) => {
    const sent = init.method === 'POST' ? nameOf(String(init.body)) : String(init.method);
    this.sent.set(sent, (this.sent.get(sent) ?? 0) + 1);
    const response = (await undiciFetch(url, { ...init, dispatcher: this.#agent } as never)) as unknown as Response;
    if (!response.ok) {
      const code = codeIn(await response.clone().text());
      this.refused.push({ sent, status: response.status, code });
      this.onRefused(sent, code);
    }
    if (sent !== 'GET' || !response.ok) return response;
    this.streams++;
    const body = watched(response.body as unknown as AsyncIterable<Uint8Array>, () => this.streams--);
    return new Response(ReadableStream.from(body), { status: 200, headers: response.headers });
  }) as typeof fetch;

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function nameOf(body: string): string {
  const { method } = JSON.parse(body) as { method?: string };
  return method ?? 'answer';
}

/** The gateway's code in whatever a client made of its error. */
export function codeIn(text: string): string | undefined {
  return /\\*"code\\*":\\*"([A-Z_]+)\\*"/.exec(text)?.[1];
}

/** The same stream; says when it is over, whoever ended it. */
async function* watched(body: AsyncIterable<Uint8Array>, onEnd: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    onEnd();
  }
}
