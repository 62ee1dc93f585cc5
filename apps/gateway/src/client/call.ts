import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  type CallToolResult,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  McpError,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { parseArguments, UsageError } from './arguments.js';
import { listTools, withGateway } from './gateway-client.js';
import { ProgressBar } from './progress-bar.js';
import { answerElicitation } from './questions.js';

export interface CallOptions {
  readonly url: string;
  /** Arguments as one JSON object; single `k=v` replace its members. */
  readonly json?: string;
  /** Print the result as JSON. */
  readonly raw?: boolean;
  readonly token?: string | undefined;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** A day: how long a call may take is for the gateway to say. */
const NO_LIMIT = 86_400_000;

/** Calls one tool and prints what it answers; returns the exit code: 1 when the tool failed. */
export async function runCall(
  name: string,
  words: readonly string[],
  options: CallOptions,
  terminal: Terminal,
): Promise<number> {
  const bar = new ProgressBar(terminal);
  const prepare = (client: Client) => {
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      bar.above(`[${params.level}] ${printable(textOf(params.data))}`);
    });
    if (terminal.inIsTty) {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        bar.clear();
        return answerElicitation(params, terminal, options.signal);
      });
    }
  };
  return withGateway({ ...options, canAsk: terminal.inIsTty }, prepare, async (client) => {
    const tools = await listTools(client, options.signal);
    const tool = tools.find((candidate) => candidate.name === name);
    const args = parseArguments(words, tool?.inputSchema, options.json);
    try {
      const result = await client.request({ method: 'tools/call', params: { name, arguments: args } }, ResultSchema, {
        onprogress: (progress) => bar.show(progress),
        timeout: NO_LIMIT,
        signal: options.signal,
      });
      bar.clear();
      const code = show(result as CallToolResult, options, terminal);
      if (code !== 0 && !tool) terminal.err(`${nearest(name, tools)}\n`);
      return code;
    } catch (thrown) {
      bar.clear();
      if (!tool && isUnknownTool(thrown)) throw new UsageError(`${plain(thrown)}\n${nearest(name, tools)}`);
      if (thrown instanceof McpError) throw new UsageError(plain(thrown));
      throw thrown;
    }
  });
}

function show(result: CallToolResult, options: CallOptions, terminal: Terminal): number {
  const write = result.isError ? terminal.err : terminal.out;
  if (options.raw) {
    terminal.out(`${JSON.stringify(result, null, 2)}\n`);
    return result.isError ? 1 : 0;
  }
  const content = Array.isArray(result.content) ? result.content : [];
  for (const block of content) write(`${printable(blockText(block))}\n`);
  if (content.length === 0 && result.structuredContent) {
    write(`${JSON.stringify(result.structuredContent, null, 2)}\n`);
  }
  return result.isError ? 1 : 0;
}

function blockText(block: CallToolResult['content'][number]): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return `[${block.type} ${block.mimeType}, ${Math.floor((block.data.length * 3) / 4)} bytes; --raw prints it]`;
    case 'resource_link':
      return `[resource ${block.uri}]`;
    case 'resource':
      return 'text' in block.resource ? block.resource.text : `[resource ${block.resource.uri}; --raw prints it]`;
    default:
      return JSON.stringify(block);
  }
}

/** Another code of the gateway says something else: its server is down, perhaps. */
function isUnknownTool(thrown: unknown): thrown is McpError {
  if (!(thrown instanceof McpError)) return false;
  const { code } = (thrown.data ?? {}) as { code?: unknown };
  return code === undefined || code === 'UNKNOWN_TOOL';
}

/** The error as the gateway or the upstream wrote it, with what helps to find it in the log. */
function plain(error: McpError): string {
  const text = error.message.replace(/^MCP error -?\d+: /, '');
  const { code, requestId } = (error.data ?? {}) as { code?: unknown; requestId?: unknown };
  const ids = [
    typeof code === 'string' ? code : String(error.code),
    typeof requestId === 'string' ? `request ${requestId}` : '',
  ];
  return printable(`${text} (${ids.filter(Boolean).join(', ')})`);
}

function nearest(name: string, tools: readonly { name: string }[]): string {
  const wanted = name.slice(name.indexOf(':') + 1).toLowerCase();
  const close = tools.filter((tool) => wanted !== '' && tool.name.toLowerCase().includes(wanted)).slice(0, 3);
  if (close.length > 0) return `did you mean ${close.map((tool) => tool.name).join(' or ')}?`;
  return '`mcp-gateway tools` lists what there is';
}

function textOf(data: unknown): string {
  return typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
}
