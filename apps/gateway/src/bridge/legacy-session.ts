import { setTimeout as pause } from 'node:timers/promises';
import { isObject } from '#libs/kernel';
import { encodeNotification, MCP_HEADERS } from '#libs/mcp';
import type { Deliver, GatewayLink, Reply } from './gateway-link.js';
import type { Message } from './message.js';

/** Milliseconds before a stream that ended is opened again: at first, and at most. */
const REOPEN = { first: 500, most: 15_000 } as const;

/** What a gateway that forgot a session is told again: all of it the client believes to be in force. */
const STANDING: Readonly<Record<string, (params: Message['params']) => string>> = {
  'logging/setLevel': () => 'level',
  'resources/subscribe': ({ uri }) => `subscription ${String(uri)}`,
};

/**
 * The session of a legacy client at the gateway. The client knows nothing of it: should the gateway forget it, by a restart
 * perhaps, a new one takes its place, and the client hears that lists may have changed.
 */
export class LegacySession {
  #id: string | undefined;
  #version: string | undefined;
  #initialize: Message | undefined;
  #initialized: Message | undefined;
  readonly #standing = new Map<string, Message>();
  #renewal: Promise<boolean> | undefined;
  #listening = false;

  constructor(
    private readonly link: GatewayLink,
    private readonly deliver: Deliver,
    private readonly signal: AbortSignal,
  ) {}

  /** Sends a message of the client; once more on a new session where the old one is gone. */
  async post(message: Message, deliver: Deliver, signal: AbortSignal): Promise<Reply> {
    if (message.method === 'initialize') return this.#open(message, deliver, signal);
    const id = this.#id;
    let reply = await this.link.post(message.bytes, this.#headers(), deliver, signal);
    if (reply.status === 404 && id !== undefined && (await this.#renew(id))) {
      reply = await this.link.post(message.bytes, this.#headers(), deliver, signal);
    }
    if (reply.status < 300) this.#note(message);
    return reply;
  }

  /** Says goodbye, so that the gateway need not wait for the session to grow old. */
  async close(patience: number): Promise<void> {
    if (this.#id !== undefined) await this.link.end(this.#id, patience);
  }

  async #open(message: Message, deliver: Deliver, signal: AbortSignal): Promise<Reply> {
    this.#initialize = message;
    const reply = await this.link.post(
      message.bytes,
      {},
      (answer) => {
        this.#version = versionIn(answer) ?? this.#version;
        return deliver(answer);
      },
      signal,
    );
    if (reply.status < 300) this.#id = reply.sessionId;
    return reply;
  }

  #note(message: Message): void {
    const { method = '', params } = message;
    if (method === 'notifications/initialized') {
      this.#initialized = message;
      void this.#listen();
    }
    if (method === 'resources/unsubscribe') this.#standing.delete(`subscription ${String(params['uri'])}`);
    const key = STANDING[method]?.(params);
    if (key !== undefined) this.#standing.set(key, message);
  }

  /** A new session in place of `gone`, one for all who miss it. */
  #renew(gone: string): Promise<boolean> {
    if (this.#id !== gone) return Promise.resolve(true);
    this.#renewal ??= this.#renewNow().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renewNow(): Promise<boolean> {
    if (!this.#initialize) return false;
    const nobody = async () => {};
    let capabilities: unknown;
    const reply = await this.#open(
      this.#initialize,
      async (answer) => {
        capabilities = resultIn(answer)?.['capabilities'];
      },
      this.signal,
    );
    if (reply.status >= 300) return false;
    if (!this.#initialized) return true;
    for (const message of [this.#initialized, ...this.#standing.values()]) {
      await this.link.post(message.bytes, this.#headers(), nobody, this.signal);
    }
    for (const kind of ['tools', 'prompts', 'resources']) {
      const offered = isObject(capabilities) ? capabilities[kind] : undefined;
      if (isObject(offered) && offered['listChanged'] === true) {
        await this.deliver(encodeNotification(`notifications/${kind}/list_changed`));
      }
    }
    return true;
  }

  /** Keeps the stream open that carries what belongs to no request, until the client goes or the gateway has none. */
  async #listen(): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    let wait: number = REOPEN.first;
    while (!this.signal.aborted) {
      const id = this.#id;
      try {
        const { status } = await this.link.listen(this.#headers(), this.deliver, this.signal);
        if (status === 404 && id !== undefined) await this.#renew(id);
        else if (status >= 400 && status < 500 && status !== 429) break;
        wait = status < 300 ? REOPEN.first : Math.min(wait * 2, REOPEN.most);
      } catch {
        // It may be restarting. What the client sends meanwhile tells it so.
        wait = Math.min(wait * 2, REOPEN.most);
      }
      await pause(wait, undefined, { signal: this.signal }).catch(() => {});
    }
    this.#listening = false;
  }

  #headers(): Record<string, string> {
    return {
      ...(this.#id !== undefined && { [MCP_HEADERS.sessionId]: this.#id }),
      ...(this.#version !== undefined && { [MCP_HEADERS.protocolVersion]: this.#version }),
    };
  }
}

function versionIn(answer: Buffer): string | undefined {
  const version = resultIn(answer)?.['protocolVersion'];
  return typeof version === 'string' ? version : undefined;
}

function resultIn(answer: Buffer): Readonly<Record<string, unknown>> | undefined {
  const message: unknown = JSON.parse(answer.toString('utf8'));
  const result = isObject(message) ? message['result'] : undefined;
  return isObject(result) ? result : undefined;
}
