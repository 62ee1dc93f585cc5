import { type EgressClient, EgressError, type Trust } from '#libs/egress';
import { isObject, type Log } from '#libs/kernel';
import { redacted } from '../../transports/shared/text.js';
import { type FailureKind, type Grant, TokenError } from './token-cache.js';

/** Milliseconds a token endpoint has (UP-31). */
const TIMEOUT = 10_000;
const MAX_ANSWER = 64 * 1024;
/** RFC 6750 2.1. */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const MAX_TOKEN = 16 * 1024;
const YEAR = 365 * 24 * 3_600_000;

/**
 * How the gateway shows who it is (RFC 6749 2.3.1): identifier and secret in an Authorization header, each
 * form-encoded first; the same as they are, for servers that know no better; in the form; or the identifier alone.
 */
export type ClientAuth = 'basic' | 'basic_raw' | 'post' | 'none';

export interface TokenClient {
  readonly url: string;
  readonly trust: Trust;
  /** Of a discovered endpoint: the origin it was named by. */
  readonly origin?: string | undefined;
  readonly id: string;
  readonly secret: string | undefined;
  readonly auth: ClientAuth;
}

export interface TokenQuestion {
  /** Members without a value are left out. */
  readonly form: Readonly<Record<string, string | undefined>>;
  /** Values that must not be repeated anywhere, besides the client's secret. */
  readonly secrets?: readonly string[];
  /** For log and errors. */
  readonly server: string;
  readonly log: Log;
}

export interface TokenAnswer extends Grant {
  /** RFC 8693 2.2.1. */
  readonly issuedTokenType: string | undefined;
}

/**
 * Asks a token endpoint.
 * @throws TokenError whose message names the server and OAuth's own error code, never a secret
 */
export async function askForToken(
  egress: EgressClient,
  client: TokenClient,
  question: TokenQuestion,
): Promise<TokenAnswer> {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(question.form)) if (value !== undefined) form.set(name, value);
  const { body, status } = await egress
    .json({
      url: client.url,
      trust: client.trust,
      ...(client.origin === undefined ? {} : { origin: client.origin }),
      headers: authenticate(client, form),
      form,
      timeout: TIMEOUT,
      maxBytes: MAX_ANSWER,
    })
    .catch((thrown: unknown) => {
      throw asTokenError(thrown);
    });
  const answer = isObject(body) ? body : undefined;
  return status === 200 && answer ? read(answer, client) : refuse(status, answer, client, question);
}

/** What went wrong on the way to a server, as far as it decides about asking again. */
export function asTokenError(thrown: unknown): TokenError {
  if (thrown instanceof TokenError) return thrown;
  if (!(thrown instanceof EgressError)) {
    return new TokenError('unavailable', 'its authorization server could not be asked', { cause: thrown });
  }
  const settled = thrown.kind === 'denied' || thrown.kind === 'redirect';
  return new TokenError(settled ? 'refused' : 'unavailable', thrown.message, { cause: thrown });
}

function authenticate({ auth, id, secret = '' }: TokenClient, form: URLSearchParams): Record<string, string> {
  if (auth === 'basic' || auth === 'basic_raw') {
    const spell = auth === 'basic' ? formEncoded : (text: string) => text;
    return { authorization: `Basic ${Buffer.from(`${spell(id)}:${spell(secret)}`, 'utf8').toString('base64')}` };
  }
  form.set('client_id', id);
  if (auth === 'post') form.set('client_secret', secret);
  return {};
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function read(answer: Readonly<Record<string, unknown>>, { url }: TokenClient): TokenAnswer {
  const { access_token: token, token_type: type, expires_in: life, issued_token_type: issued } = answer;
  const where = new URL(url).origin;
  if (typeof token !== 'string' || token.length > MAX_TOKEN || !B64TOKEN.test(token)) {
    throw new TokenError('refused', `${where} answered without a token that can be sent`);
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw new TokenError('refused', `${where} issued a token of another type than Bearer`);
  }
  const seconds = typeof life === 'string' ? Number(life) : life;
  const known = typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0;
  return {
    token,
    life: known ? Math.min(seconds * 1_000, YEAR) : undefined,
    issuedTokenType: typeof issued === 'string' ? issued : undefined,
  };
}

function refuse(
  status: number,
  answer: Readonly<Record<string, unknown>> | undefined,
  { secret, url }: TokenClient,
  { log, secrets = [], server }: TokenQuestion,
): never {
  const error = answer?.['error'];
  const code = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : undefined;
  const description = answer?.['error_description'];
  const said = typeof description === 'string' ? description : '';
  const hidden = [...secrets, ...(secret ? [secret, formEncoded(secret)] : [])];
  const told = redacted(hidden.reduce((text, value) => text.replaceAll(value, '[secret]'), said));
  const where = new URL(url).origin;
  log.warn({ upstream: server, status, error: code, said: told }, `${server}: ${where} issued no token`);
  throw new TokenError(kindOf(status, code), `${where} issued no token (${code ?? `HTTP ${status}`})`);
}

function kindOf(status: number, code: string | undefined): FailureKind {
  if (code === 'invalid_client' || code === 'unauthorized_client') return 'rejected';
  if (code === 'server_error' || code === 'temporarily_unavailable') return 'unavailable';
  if (code === undefined && status === 401) return 'rejected';
  return status === 429 || status >= 500 ? 'unavailable' : 'refused';
}
