import { isObject } from '#libs/kernel';
import type { ClientServer } from './client-servers.js';
import { ServerNames } from './server-names.js';
import { substituted, withoutSecrets } from './substituted.js';
import { isHarmless, type Variable, Variables } from './variables.js';

/** One entry of `proxy.servers`. */
export type ServerSettings = Record<string, unknown>;

export interface Imported {
  readonly servers: readonly ServerSettings[];
  readonly variables: readonly Variable[];
  /** What came out otherwise than somebody might expect, in sentences. */
  readonly notes: readonly string[];
}

/** Fields that are read here; whatever else a client has is left out, and said. */
const READ: ReadonlySet<string> = new Set([
  ...['type', 'transport', 'command', 'args', 'env', 'cwd', 'disabled', 'enabled', 'tool_timeout_sec'],
  ...['url', 'serverUrl', 'httpUrl', 'headers', 'http_headers', 'env_http_headers', 'bearer_token_env_var'],
]);

/** Turns servers as clients list them into servers of a gateway; secrets become variables. */
export function importServers(servers: readonly ClientServer[]): Imported {
  const desk: Desk = { variables: new Variables(), names: new ServerNames(), notes: [] };
  const settings = servers.map((server) => imported(server, desk)).filter((one) => one !== undefined);
  return { servers: settings, variables: desk.variables.all, notes: desk.notes };
}

interface Desk {
  readonly variables: Variables;
  readonly names: ServerNames;
  readonly notes: string[];
}

/** What one server needs while it is turned. */
interface Turn extends Desk {
  readonly server: string;
  readonly note: (text: string) => void;
}

function imported({ name: original, fields }: ClientServer, desk: Desk): ServerSettings | undefined {
  const name = desk.names.valid(original);
  if (name !== original)
    desk.notes.push(`'${original}' is called ${name} here: names are short, lower case, and unique`);
  const turn: Turn = { ...desk, server: name, note: (text) => desk.notes.push(`${name}: ${text}`) };
  const remote = remoteOf(fields, turn);
  const way = remote ? overHttp(remote, turn) : asChild(fields, turn);
  if (!way) {
    turn.note('left out: it has neither a command nor a URL');
    return undefined;
  }
  const left = Object.keys(fields).filter((field) => !READ.has(field));
  if (left.length > 0) turn.note(`left out, since the gateway has no such setting: ${left.join(', ')}`);
  const { tool_timeout_sec: timeout } = fields;
  if (typeof timeout === 'number' && timeout > 0) way.connection['timeout'] = `${Math.ceil(timeout)}s`;
  const isOff = fields['disabled'] === true || fields['enabled'] === false;
  return { name, ...way, ...(isOff && { enabled: false }) };
}

interface Way {
  readonly type: string;
  readonly connection: Record<string, unknown>;
  readonly auth?: Record<string, unknown>;
}

function asChild(fields: ClientServer['fields'], turn: Turn): Way | undefined {
  const { command, cwd } = fields;
  if (typeof command !== 'string' || command === '') return undefined;
  const args = (Array.isArray(fields['args']) ? fields['args'] : []).map(String);
  const env = Object.entries(isObject(fields['env']) ? fields['env'] : {}).map(([key, value]) => {
    const text = String(value);
    const from = `env ${key} of ${turn.server}`;
    const turned = substituted(text, from, turn.variables);
    if (turned !== undefined) return [key, turned];
    return [key, isHarmless(key, text) ? text : turn.variables.keep(text, key, turn.server, from)];
  });
  return {
    type: 'stdio',
    connection: {
      command: substituted(command, `the command of ${turn.server}`, turn.variables) ?? command,
      ...(args.length > 0 && { args: withoutSecrets(args, turn.server, turn.variables) }),
      ...(env.length > 0 && { env: Object.fromEntries(env) }),
      ...(typeof cwd === 'string' && { cwd: substituted(cwd, `cwd of ${turn.server}`, turn.variables) ?? cwd }),
    },
  };
}

interface Remote {
  readonly url: string;
  readonly sse: boolean;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A server behind a URL, also one that is reached through the bridge mcp-remote, which a gateway does not need. */
function remoteOf(fields: ClientServer['fields'], turn: Turn): Remote | undefined {
  const url = [fields['url'], fields['serverUrl'], fields['httpUrl']].find((one) => typeof one === 'string');
  const type = String(fields['type'] ?? fields['transport'] ?? '');
  if (typeof url === 'string') return { url, sse: isSse(type, url), headers: headersIn(fields, turn) };
  const args = (Array.isArray(fields['args']) ? fields['args'] : []).map(String);
  const bridge = args.findIndex((arg) => /^mcp-remote(?:@[\w.-]+)?$/.test(arg));
  const target = bridge < 0 ? undefined : args.slice(bridge + 1).find((arg) => /^https?:\/\//.test(arg));
  if (target === undefined) return undefined;
  turn.note(
    'mcp-remote is left out: the gateway reaches the URL itself. A login that mcp-remote kept does not come along',
  );
  const headers = args.flatMap((arg, index) => {
    const [, name, value] = /^([\w-]+)\s*:\s*(.+)$/.exec(args[index + 1] ?? '') ?? [];
    return arg === '--header' && name && value ? [[name, value] as const] : [];
  });
  return { url: target, sse: args.includes('sse-only') || isSse('', target), headers };
}

function isSse(type: string, url: string): boolean {
  return type === 'sse' || (type === '' && /\/sse\/?(?:\?|$)/.test(url));
}

/** Headers as they are written, and those that Codex takes from variables. */
function headersIn(fields: ClientServer['fields'], { variables, server }: Turn): [string, string][] {
  const plain = [fields['headers'], fields['http_headers']].flatMap((one) =>
    isObject(one) ? Object.entries(one) : [],
  );
  const named = isObject(fields['env_http_headers']) ? Object.entries(fields['env_http_headers']) : [];
  const bearer = fields['bearer_token_env_var'];
  const refer = (name: unknown, from: string) => variables.refer(String(name), `${from} of ${server}`);
  return [
    ...(typeof bearer === 'string'
      ? [['Authorization', `Bearer ${refer(bearer, 'the token')}`] as [string, string]]
      : []),
    ...named.map(([name, variable]): [string, string] => [name, refer(variable, `header ${name}`)]),
    ...plain.map(([name, value]): [string, string] => [name, String(value)]),
  ];
}

function overHttp({ url, sse, headers }: Remote, turn: Turn): Way {
  const [turned = url] = withoutSecrets([url], turn.server, turn.variables);
  // One credential per server: the header that looks most like one.
  const rank = ([name]: readonly [string, string]) =>
    /^authorization$/i.test(name) ? 0 : /key|token|auth|secret/i.test(name) ? 1 : 2;
  const [credential, ...others] = [...headers].sort((a, b) => rank(a) - rank(b));
  for (const [name] of others) turn.note(`header ${name} is left out: a server has one header of its own (auth)`);
  return {
    type: sse ? 'sse' : 'streamable-http',
    connection: { url: turned },
    ...(credential && { auth: authOf(credential, turn) }),
  };
}

function authOf([name, value]: readonly [string, string], { server, variables }: Turn): Record<string, unknown> {
  const from = `header ${name} of ${server}`;
  const [, token] = /^bearer\s+(.+)$/i.exec(value) ?? [];
  const isBearer = /^authorization$/i.test(name) && token !== undefined;
  const text = isBearer ? token : value;
  const kept =
    substituted(text, from, variables) ?? variables.keep(text, `${server}_${isBearer ? 'token' : name}`, server, from);
  return isBearer ? { type: 'bearer', token: kept } : { type: 'header', header: name, value: kept };
}
