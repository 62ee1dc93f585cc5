import { type Era, LEGACY_VERSION, MODERN_VERSION } from '../targets/shape.ts';

/** Where a client knocks, and what it has to say there. */
export interface Door {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The era of the client. */
  readonly era: Era;
  /** How the door spells a tool of an upstream. */
  toolName(upstream: number, tool: number): string;
  /** The token of the caller with this number; undefined where nobody asks for one. */
  token(caller: number): string | undefined;
  /** The bare proxy decides nothing: it is told which view a list is for. */
  readonly tellsView: boolean;
}

/** What differs from one request to the next besides its body. */
export interface HeadOptions {
  readonly method: string;
  readonly name?: string | undefined;
  readonly token?: string | undefined;
  readonly session?: string | undefined;
  readonly view?: number | undefined;
  /** Prefer a stream for the answer. */
  readonly stream?: boolean;
}

/** Everything of a POST before the value of its content-length, which is the last header. */
export function postHead(door: Door, options: HeadOptions): string {
  const accept = options.stream ? 'text/event-stream, application/json' : 'application/json, text/event-stream';
  return `POST ${door.path} HTTP/1.1\r\n${common(door, options)}accept: ${accept}\r\ncontent-type: application/json\r\ncontent-length: `;
}

/** A whole DELETE. */
export function deleteRequest(door: Door, options: HeadOptions): string {
  return `DELETE ${door.path} HTTP/1.1\r\n${common(door, options)}\r\n`;
}

/** The same headers for a client that takes them as an object. */
export function headerObject(door: Door, options: HeadOptions): Record<string, string> {
  const lines = common(door, options).trimEnd().split('\r\n');
  return Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
}

/** A head and its body in one string; the body is ASCII. */
export function request(head: string, body: string): string {
  return `${head}${body.length}\r\n\r\n${body}`;
}

function common(door: Door, { method, name, token, session, view }: HeadOptions): string {
  const lines = [`host: ${door.host}:${door.port}`];
  if (door.era === 'modern') {
    lines.push(`mcp-protocol-version: ${MODERN_VERSION}`, `mcp-method: ${method}`);
    if (name !== undefined) lines.push(`mcp-name: ${name}`);
  } else if (method !== 'initialize') {
    lines.push(`mcp-protocol-version: ${LEGACY_VERSION}`);
  }
  if (session !== undefined) lines.push(`mcp-session-id: ${session}`);
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`);
  if (door.tellsView && view !== undefined) lines.push(`x-bench-view: ${view}`);
  return `${lines.join('\r\n')}\r\n`;
}
