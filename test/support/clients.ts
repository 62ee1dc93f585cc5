import {
  Client,
  type ContentBlock,
  LOG_LEVEL_META_KEY,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport, type StdioServerParameters } from '@modelcontextprotocol/client/stdio';
import { type Answers, connect } from './client.js';
import { Inbox } from './wait.js';

/** The version of the modern era. */
export const MODERN = '2026-07-28';

export interface Told {
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

export interface CallOptions {
  readonly onprogress?: (progress: { progress: number; total?: number; message?: string }) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds it waits, anew after each progress if so. */
  readonly timeout?: number;
  readonly resetTimeoutOnProgress?: boolean;
}

export interface Result {
  readonly content: readonly ContentBlock[];
  readonly isError?: boolean;
  readonly [key: string]: unknown;
}

/** A client of any generation, in words that mean the same in each. */
export interface AnyClient {
  readonly era: 'legacy' | 'modern';
  readonly told: Inbox<Told>;
  /** Names of all pages. */
  names(kind: 'tools' | 'prompts' | 'resources' | 'templates'): Promise<string[]>;
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Result>;
  read(uri: string): Promise<Record<string, unknown>>;
  prompt(name: string, args?: Record<string, string>): Promise<Record<string, unknown>>;
  complete(ref: object, argument: { name: string; value: string }): Promise<string[]>;
  /** From which level on it wants to be told what its calls log. */
  logLevel(level: 'debug' | 'info' | 'error'): Promise<void>;
  /** Asks to be told of changed lists and of changes of these resources; resolves when the server agreed. */
  watch(uris?: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** How a client answers, and what it sends with every request over HTTP. */
export interface ClientOptions extends Answers {
  readonly headers?: Record<string, string>;
}

export interface Generation {
  readonly era: 'legacy' | 'modern';
  /** To this URL, or over stdio to a program. */
  connect(url: string, options?: ClientOptions, program?: StdioServerParameters): Promise<AnyClient>;
}

/** The clients people have: both generations of the official SDK, the second one in both eras. */
export const GENERATIONS: Readonly<Record<string, Generation>> = {
  'SDK v1': { era: 'legacy', connect: connectV1 },
  'SDK v2 legacy': { era: 'legacy', connect: (...args) => connectV2('legacy', ...args) },
  'SDK v2 modern': { era: 'modern', connect: (...args) => connectV2('modern', ...args) },
};

const keyOf = (kind: string): string => (kind === 'resources' ? 'uri' : kind === 'templates' ? 'uriTemplate' : 'name');
const namesOf = (items: readonly object[], kind: string): string[] =>
  items.map((item) => String((item as Record<string, unknown>)[keyOf(kind)]));

async function connectV1(
  url: string,
  options: ClientOptions = {},
  program?: StdioServerParameters,
): Promise<AnyClient> {
  const peer = await connect(url, { ...options, program });
  const { client } = peer;
  return {
    era: 'legacy',
    told: peer.notifications as Inbox<Told>,
    names: async (kind) => namesOf(await peer[kind](), kind),
    call: async (name, args = {}, options = {}) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as unknown as Result,
    read: async (uri) => client.readResource({ uri }),
    prompt: async (name, args = {}) => client.getPrompt({ name, arguments: args }),
    complete: async (ref, argument) => (await client.complete({ ref: ref as never, argument })).completion.values,
    logLevel: async (level) => void (await client.setLoggingLevel(level)),
    watch: async (uris = []) => {
      for (const uri of uris) await client.subscribeResource({ uri });
    },
    close: () => peer.close(),
  };
}

function capabilitiesFor({ elicit, sample, roots }: Answers) {
  return {
    ...(elicit && { elicitation: { form: {}, url: {} } }),
    ...(sample && { sampling: {} }),
    ...(roots && { roots: { listChanged: true } }),
  };
}

async function connectV2(
  era: 'legacy' | 'modern',
  url: string,
  options: ClientOptions = {},
  program?: StdioServerParameters,
): Promise<AnyClient> {
  const mode = era === 'modern' ? { pin: MODERN } : 'legacy';
  const client = new Client(
    { name: `test-client-${era}`, version: '1.0.0' },
    { capabilities: capabilitiesFor(options), versionNegotiation: { mode } },
  );
  const { elicit, sample, roots, headers = {} } = options;
  if (elicit) {
    client.setRequestHandler('elicitation/create', (request, ctx) =>
      elicit(request.params as Record<string, unknown>, ctx.mcpReq.signal),
    );
  }
  if (sample) {
    client.setRequestHandler('sampling/createMessage', async ({ params }) => (await sample(params as never)) as never);
  }
  if (roots) client.setRequestHandler('roots/list', () => ({ roots: roots() }));
  const told = new Inbox<Told>();
  client.fallbackNotificationHandler = async (notification) => told.push(notification as Told);
  const transport = program
    ? new StdioClientTransport(program)
    : new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  await client.connect(transport);
  const fresh = { cacheMode: 'refresh' } as const;
  let meta: Record<string, unknown> | undefined;
  return {
    era,
    told,
    names: async (kind) => {
      if (kind === 'tools') return namesOf((await client.listTools(undefined, fresh)).tools, kind);
      if (kind === 'prompts') return namesOf((await client.listPrompts(undefined, fresh)).prompts, kind);
      if (kind === 'resources') return namesOf((await client.listResources(undefined, fresh)).resources, kind);
      return namesOf((await client.listResourceTemplates(undefined, fresh)).resourceTemplates, kind);
    },
    call: async (name, args = {}, options = {}) =>
      (await client.callTool({ name, arguments: args, ...(meta && { _meta: meta }) }, options as never)) as Result,
    read: async (uri) => client.readResource({ uri }, fresh),
    prompt: async (name, args = {}) => client.getPrompt({ name, arguments: args }),
    complete: async (ref, argument) => (await client.complete({ ref: ref as never, argument })).completion.values,
    logLevel: async (level) => {
      if (era === 'modern') meta = { [LOG_LEVEL_META_KEY]: level };
      else await client.setLoggingLevel(level);
    },
    watch: async (uris = []) => {
      if (era === 'legacy') for (const uri of uris) await client.subscribeResource({ uri });
      else {
        await client.listen({
          toolsListChanged: true,
          promptsListChanged: true,
          resourcesListChanged: true,
          resourceSubscriptions: [...uris],
        });
      }
    },
    async close() {
      if (era === 'legacy' && 'terminateSession' in transport)
        await transport.terminateSession().catch(() => undefined);
      await client.close();
    },
  };
}

/** The text of a result's text blocks. */
export function textOf(result: Result): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

/** What a fixture tool reported as JSON. */
export function dataOf(result: Result): Record<string, unknown> {
  return JSON.parse(textOf(result)) as Record<string, unknown>;
}
