import { type GatewayConfig, LiveConfig, serveProblems } from '#libs/config';
import { type Claims, isObject, messageOf, type Principal, principal } from '#libs/kernel';
import { type Explanation, explain, Policy, parseObject } from '#libs/permission';
import { UsageError } from '../client/arguments.js';
import { printable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { explainText } from './explain-text.js';
import { type ConfigFlags, configToServe } from './load.js';

export interface ExplainFlags extends ConfigFlags {
  readonly claims?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** Exit codes: what would become of a use. 1 stays what it is everywhere, a command that failed. */
const CODES = { allow: 0, challenge: 3, hide: 4 } as const;

/** Who is asked about, and how far that is certain. */
interface Caller {
  readonly claims: Claims;
  /** A sentence for people: where the claims are from. */
  readonly source: string;
}

/**
 * Prints what the configuration's permissions decide about one thing for one caller, and why. Contacts no upstream: whether
 * a server really has the thing is not looked at.
 * @throws UsageError, ConfigError
 */
export async function runExplain(name: string, flags: ExplainFlags, terminal: Terminal): Promise<number> {
  const object = parseObject(name);
  if (!object) {
    throw new UsageError(
      `'${name}' names nothing; write server:tool, prompts/server:name, resources/server:uri or templates/server:template`,
    );
  }
  const loaded = await configToServe(flags);
  const { config } = loaded;
  const caller = await callerOf(flags, new LiveConfig(loaded));
  const explanation = explain(new Policy(config), caller.claims, object);
  if (flags.json) terminal.out(`${JSON.stringify({ ...explanation, caller: caller.source }, null, 2)}\n`);
  else for (const line of explainText(explanation, caller.source)) terminal.out(`${printable(line)}\n`);
  for (const note of notes(explanation, config)) terminal.err(`note: ${printable(note)}\n`);
  return CODES[explanation.decision.effect];
}

async function callerOf({ claims, token }: ExplainFlags, live: LiveConfig): Promise<Caller> {
  if (claims !== undefined && token !== undefined) throw new UsageError('--claims and --token exclude each other');
  if (claims !== undefined) return { claims: claimsFrom(objectIn(claims)), source: 'claims as given, not verified' };
  if (token === undefined)
    return { claims: claimsFrom({}), source: 'somebody without any claims (no --claims, no --token)' };
  const { judgeToken } = await import('./judge-token.js');
  const judged = await judgeToken(token, live);
  if (judged.kind === 'accepted') return { claims: judged.principal.claims, source: accepted(judged.principal) };
  const decoded = decode(token);
  if (!decoded) throw new UsageError(`the token is no JWT, and the gateway would not accept it: ${judged.reason}`);
  return {
    claims: claimsFrom(decoded),
    source: `the token's claims, unverified; the gateway would not accept it: ${judged.reason}`,
  };
}

function accepted({ issuer, subject }: Principal): string {
  return `${subject} of ${issuer}, by a token that the gateway accepts`;
}

function objectIn(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (thrown) {
    throw new UsageError(`--claims is not valid JSON: ${messageOf(thrown)}`);
  }
  if (isObject(value)) return value;
  throw new UsageError(`--claims must be a JSON object, e.g. '{"groups":["User"]}'`);
}

/** The payload of a JWT, believed without a look at its signature; undefined when it is none. */
function decode(token: string): Record<string, unknown> | undefined {
  const [, payload, signature, more] = token.split('.');
  if (payload === undefined || signature === undefined || more !== undefined) return undefined;
  try {
    return objectIn(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

function claimsFrom(claims: Record<string, unknown>): Claims {
  return principal('', '', { claims }).claims;
}

function notes({ object }: Explanation, config: GatewayConfig): readonly string[] {
  const isConfigured = config.proxy.servers.some(({ name }) => name === object.server);
  const refusals = serveProblems(config).map(
    ({ path, message }) => `serve would refuse this file: ${path}: ${message}`,
  );
  return [
    ...(isConfigured ? [] : [`no server '${object.server}' is configured`]),
    ...(object.kind === 'tool' ? shownNames(object, config) : []),
    ...refusals,
  ];
}

/** What clients see may have led here: permissions go by a tool's own name. */
function shownNames({ server, name }: Explanation['object'], config: GatewayConfig): readonly string[] {
  const overrides = config.proxy.servers.find((entry) => entry.name === server)?.tools.overrides ?? {};
  const shownAs = overrides[name]?.name;
  if (shownAs !== undefined) return [`clients see it as '${shownAs}' (tools.overrides)`];
  const [own] = Object.entries(overrides).find(([, override]) => override.name === name) ?? [];
  return own === undefined
    ? []
    : [`'${name}' is what clients see of ${server}:${own} (tools.overrides); ask about that`];
}
