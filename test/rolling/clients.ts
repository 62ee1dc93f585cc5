import { Client as ModernSdk, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client as LegacySdk } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { MODERN, type Result, textOf } from '../support/clients.js';
import { codeIn, Wire } from './wire.js';

/** A restart may take long where many things run at once. */
const PATIENT = { timeout: 180_000 };

/** Answers a question, when its user feels like it. */
export type User = (message: string) => Promise<string>;

/** A client as the rolling restart sees it; what goes wrong has the gateway's code, or the error's text. */
export interface RollingClient {
  readonly name: string;
  readonly era: 'legacy' | 'modern';
  readonly wire: Wire;
  /** Notifications that came, by method and URI. */
  readonly told: Set<string>;
  call(tool: string, args: Record<string, unknown>): Promise<string>;
  /** Subscribes to changes of a resource, and of lists; resolves with how that went. */
  subscribe(uri: string, onEnd: (how: string) => void): Promise<string>;
  /** Calls a tool that asks; resolves with `answered` when the answer arrived, else with what was refused, and why. */
  ask(tool: string, message: string): Promise<string>;
  close(): Promise<void>;
}

export async function legacyClient(url: string, name: string, user: User): Promise<RollingClient> {
  let refused = (_code: string): void => {};
  const wire = new Wire((sent, code) => {
    if (sent === 'answer') refused(`${code}: the answer`);
  });
  const told = new Set<string>();
  const client = new LegacySdk({ name, version: '1.0.0' }, { capabilities: { elicitation: { form: {} } } });
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => accept(await user(params.message)));
  client.fallbackNotificationHandler = async (notification) => void told.add(titleOf(notification));
  // What it does on its own (streams, answers, cancellations) may be refused, and the wire has seen it.
  client.onerror = () => {};
  await client.connect(new LegacyTransport(new URL(url), { fetch: wire.fetch }) as never);
  const call = async (tool: string, args: Record<string, unknown>) =>
    textOf((await client.callTool({ name: tool, arguments: args }, undefined, PATIENT)) as unknown as Result);
  return {
    name,
    era: 'legacy',
    wire,
    told,
    call,
    subscribe: (uri) => client.subscribeResource({ uri }).then(() => 'subscribed', reason),
    ask: (tool, message) =>
      new Promise((resolve) => {
        refused = resolve;
        askWith(call, tool, message).then(resolve);
      }),
    async close() {
      await client.close();
      await wire.close();
    },
  };
}

export async function modernClient(url: string, name: string, user: User): Promise<RollingClient> {
  const wire = new Wire();
  const told = new Set<string>();
  const client = new ModernSdk(
    { name, version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: MODERN } } },
  );
  client.setRequestHandler('elicitation/create', async ({ params }) => accept(await user(params.message)));
  client.fallbackNotificationHandler = async (notification) => void told.add(titleOf(notification));
  await client.connect(new ModernTransport(new URL(url), { fetch: wire.fetch }));
  const call = async (tool: string, args: Record<string, unknown>) =>
    textOf((await client.callTool({ name: tool, arguments: args }, PATIENT)) as unknown as Result);
  return {
    name,
    era: 'modern',
    wire,
    told,
    call,
    async subscribe(uri, onEnd) {
      try {
        const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] });
        void subscription.closed.then(onEnd);
        return 'subscribed';
      } catch (error) {
        return reason(error);
      }
    },
    ask: (tool, message) => askWith(call, tool, message),
    async close() {
      await client.close();
      await wire.close();
    },
  };
}

async function askWith(call: RollingClient['call'], tool: string, message: string): Promise<string> {
  try {
    const text = await call(tool, { message });
    const { action, content } = JSON.parse(text) as { action?: string; content?: { answer?: string } };
    return action === 'accept' && content?.answer === answerTo(message) ? 'answered' : `wrong: ${text}`;
  } catch (error) {
    return reason(error);
  }
}

/** What a user says to a question, so that an answer given to another one shows. */
export const answerTo = (message: string): string => `the answer to ${message}`;

const accept = (answer: string) => ({ action: 'accept' as const, content: { answer } });

function titleOf({ method, params }: { method: string; params?: unknown }): string {
  const { uri } = (params ?? {}) as { uri?: string };
  return uri === undefined ? method : `${method} ${uri}`;
}

/** The gateway's code, wherever the SDK keeps it; else everything there is to know. */
export function reason(error: unknown): string {
  const { message, data, cause } = error as { message?: string; data?: unknown; cause?: unknown };
  const text = `${message} ${JSON.stringify(data ?? {})}`;
  return codeIn(text) ?? `${text} ${cause ?? ''}`;
}
