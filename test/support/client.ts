import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport, type StdioServerParameters } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type CallToolResult,
  type ClientCapabilities,
  CreateMessageRequestSchema,
  type CreateMessageResult,
  ElicitRequestSchema,
  type ElicitResult,
  ListRootsRequestSchema,
  type Notification,
  type Prompt,
  type Resource,
  type ResourceTemplate,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { Inbox } from './wait.js';

export interface Answers {
  /** Answers elicitations; declares form and URL mode. */
  elicit?: (params: Record<string, unknown>, signal: AbortSignal) => ElicitResult | Promise<ElicitResult>;
  sample?: (params: Record<string, unknown>) => CreateMessageResult | Promise<CreateMessageResult>;
  /** The roots, read anew at each question. */
  roots?: () => { uri: string; name?: string }[];
}

export interface ConnectOptions extends Answers {
  readonly name?: string;
  readonly capabilities?: ClientCapabilities;
  /** Sent with every request. */
  readonly headers?: Record<string, string>;
  /** A program to talk to over stdio, instead of the URL. */
  readonly program?: StdioServerParameters | undefined;
}

/** An SDK client with what it was told, and a way to see every page of a list. */
export interface Peer {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport | StdioClientTransport;
  readonly notifications: Inbox<Notification>;
  /** Errors of the transport and of the protocol, which should stay empty. */
  readonly errors: Error[];
  tools(): Promise<Tool[]>;
  prompts(): Promise<Prompt[]>;
  resources(): Promise<Resource[]>;
  templates(): Promise<ResourceTemplate[]>;
  call(name: string, args?: Record<string, unknown>): Promise<CallToolResult>;
  close(): Promise<void>;
}

export async function connect(url: string, options: ConnectOptions = {}): Promise<Peer> {
  const client = new Client(
    { name: options.name ?? 'test-client', version: '1.0.0' },
    { capabilities: options.capabilities ?? capabilitiesFor(options) },
  );
  answerWith(client, options);
  const notifications = new Inbox<Notification>();
  const errors: Error[] = [];
  client.onerror = (error) => errors.push(error);
  client.fallbackNotificationHandler = async (notification) => notifications.push(notification);
  const transport = options.program
    ? new StdioClientTransport(options.program)
    : new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: options.headers ?? {} } });
  await client.connect(transport);
  return {
    client,
    transport,
    notifications,
    errors,
    tools: () => pages((cursor) => client.listTools(cursor), 'tools'),
    prompts: () => pages((cursor) => client.listPrompts(cursor), 'prompts'),
    resources: () => pages((cursor) => client.listResources(cursor), 'resources'),
    templates: () => pages((cursor) => client.listResourceTemplates(cursor), 'resourceTemplates'),
    call: async (name, args = {}) => (await client.callTool({ name, arguments: args })) as CallToolResult,
    async close() {
      if ('terminateSession' in transport) await transport.terminateSession().catch(() => undefined);
      await client.close();
    },
  };
}

function capabilitiesFor(answers: Answers): ClientCapabilities {
  return {
    ...(answers.elicit && { elicitation: { form: {}, url: {} } }),
    ...(answers.sample && { sampling: {} }),
    ...(answers.roots && { roots: { listChanged: true } }),
  };
}

function answerWith(client: Client, { elicit, sample, roots }: Answers): void {
  if (elicit) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }, { signal }) => elicit(params, signal));
  }
  if (sample) client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => sample(params));
  if (roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots() }));
}

async function pages<K extends string, T>(
  list: (params: { cursor?: string }) => Promise<{ nextCursor?: string | undefined } & Record<K, T[]>>,
  key: K,
): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | undefined, page = 0; page < 1000; page++) {
    const result = await list(cursor === undefined ? {} : { cursor });
    items.push(...result[key]);
    cursor = result.nextCursor;
    if (cursor === undefined) return items;
  }
  throw new Error(`${key}: more than 1000 pages`);
}

/** The text of a result's text blocks. */
export function textOf(result: CallToolResult): string {
  return result.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

/** What a fixture tool reported as JSON. */
export function dataOf(result: CallToolResult): Record<string, unknown> {
  return JSON.parse(textOf(result)) as Record<string, unknown>;
}
