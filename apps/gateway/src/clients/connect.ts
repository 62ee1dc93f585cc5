import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isObject, messageOf } from '#libs/kernel';
import { UsageError } from '../client/arguments.js';
import { endpointOf } from '../client/reach.js';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { type ClientName, type Connection, KNOWN_CLIENTS, type KnownClient, type Place } from './known-clients.js';
import { lineDiff } from './line-diff.js';
import { mergeJson, readJson } from './merge-json.js';
import { mergeToml, readToml } from './merge-toml.js';
import { replaceFile } from './replace-file.js';

/** How a file is read and merged into, by what it is written in. */
const FORMATS = {
  json: { read: readJson, merge: mergeJson },
  toml: { read: readToml, merge: mergeToml },
} as const;

export interface ConnectOptions {
  readonly url: string;
  /** What the client will call the gateway; part of every tool's name in some, so short. */
  readonly name: string;
  readonly tokenEnv?: string | undefined;
  readonly write?: boolean;
  readonly configFile?: string;
  readonly json?: boolean;
  readonly place: Place;
  readonly command: Connection['command'];
  readonly now: Date;
}

/** What would become of a client's file. */
interface Plan {
  readonly client: KnownClient;
  readonly connection: Connection;
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string;
  /** The file as it would be if there were nothing else in it. */
  readonly snippet: string;
}

/**
 * Shows what connects a client with the gateway and the file it belongs in, with `write` puts it there; returns the exit code.
 * @throws UsageError
 */
export function runConnect(name: ClientName, options: ConnectOptions, terminal: Terminal): number {
  const plan = planFor(name, options);
  const { before, after, file } = plan;
  const changes = before !== after;
  if (!options.json) show(plan, options, terminal);
  const backup = options.write && changes ? written(file, after, options.now) : undefined;
  const done = options.write === true && changes;
  if (options.json) {
    const { snippet, client, connection } = plan;
    const next = client.next(options.name, connection);
    const report = { client: name, file, snippet, diff: lineDiff(before ?? '', after), written: done, backup, next };
    terminal.out(`${JSON.stringify(report, null, 2)}\n`);
    return 0;
  }
  if (done) terminal.err(`wrote ${file}${backup === undefined ? '' : `; the old one is ${backup}`}\n`);
  for (const step of plan.client.next(options.name, plan.connection)) terminal.err(`next: ${step}\n`);
  return 0;
}

function planFor(name: ClientName, options: ConnectOptions): Plan {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(options.name)) {
    throw new UsageError(
      `'${options.name}' is no name for a server: a letter, then letters, digits, - and _, 32 at most`,
    );
  }
  if (options.tokenEnv !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(options.tokenEnv)) {
    throw new UsageError(
      `--token-env takes the name of a variable, not '${options.tokenEnv}'; no token is ever written into a file`,
    );
  }
  const client: KnownClient = KNOWN_CLIENTS[name];
  const connection = { url: urlOf(options.url), tokenVariable: options.tokenEnv, command: options.command };
  const file = resolve(options.place.cwd, options.configFile ?? client.file(options.place));
  const before = contents(file);
  const server = client.server(connection);
  const { merge } = FORMATS[client.format];
  const at = [client.section, options.name] as const;
  const after = merge(before ?? '', at, server, file);
  if (before !== undefined) confirmRest(client, options.name, { before, after, file });
  return { client, connection, file, before, after, snippet: merge('', at, server, file) };
}

/** A URL with a password in it would carry that into a file. */
function urlOf(url: string): string {
  const { username, password } = endpointOf(url);
  if (username === '' && password === '') return url;
  throw new UsageError('the URL has credentials in it, which would be written into a file; use --token-env');
}

/** Whatever the way a file is edited: nothing but the one server may come out different. */
function confirmRest(
  { format, section }: KnownClient,
  name: string,
  { before, after, file }: Record<'before' | 'after' | 'file', string>,
): void {
  const { read } = FORMATS[format];
  const rest = (text: string) => {
    const root = read(text, file);
    const { [name]: _, ...servers } = isObject(root[section]) ? root[section] : {};
    return { ...root, [section]: servers };
  };
  let same = false;
  try {
    same = isDeepStrictEqual(rest(before), rest(after));
  } catch {
    // what came out cannot be read: said below
  }
  if (!same) throw new UsageError(`${file} is written in a way that cannot be merged into; add the server by hand`);
}

function contents(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code === 'ENOENT') return undefined;
    throw new UsageError(`${file} cannot be read: ${messageOf(thrown)}`);
  }
}

function written(file: string, text: string, now: Date): string | undefined {
  try {
    return replaceFile(file, text, now);
  } catch (thrown) {
    throw new UsageError(`${file} cannot be written: ${messageOf(thrown)}`);
  }
}

function show({ client, file, before, after, snippet }: Plan, { write }: ConnectOptions, terminal: Terminal): void {
  if (before === after) {
    terminal.err(`${client.title} has this already: ${file}\n`);
    return;
  }
  terminal.err(`${client.title}: ${file}${before === undefined ? ' (there is none yet)' : ''}\n\n`);
  if (!write) terminal.out(snippet);
  if (before !== undefined) {
    if (!write) terminal.err('\nWhat --write would change there:\n\n');
    for (const line of lineDiff(before, after)) terminal.err(`${printable(line)}\n`);
  } else if (write) {
    for (const line of lineDiff('', after)) terminal.err(`${line}\n`);
  }
  terminal.err('\n');
}
