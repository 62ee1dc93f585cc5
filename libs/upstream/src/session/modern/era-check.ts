import { GatewayError, type Outcome, toGatewayError } from '#libs/kernel';
import { saidIn } from '../failures.js';
import type { RunningCall } from '../running-call.js';
import type { SessionRequest } from '../upstream-session.js';
import { isLegacyAnswer, mayBeLegacy } from './contradiction.js';
import { DISCOVER } from './discovered.js';

/** Milliseconds for finding out whether the upstream still is of this era. */
const VERIFY = 10_000;

export interface EraPort {
  readonly server: string;
  readonly version: string;
  /** It has said that it is of this era; before that there is nothing to contradict. */
  readonly discovered: boolean;
  dispatch(request: SessionRequest): RunningCall;
  /** It is of the other era: this session is of no use any more. */
  contradicted(error: GatewayError): void;
}

/**
 * Whether an upstream still is of this era. What only a server of the other era says ends the session, and shows that the request
 * did not run. A tool may say the same words after it has run, though, so that the server is asked what it is before they are
 * believed.
 */
export class EraCheck {
  #asking: Promise<boolean> | undefined;

  constructor(private readonly port: EraPort) {}

  /** An answer that is to be believed. @throws GatewayError UPSTREAM_SESSION_LOST when it is one of the other era */
  async believed({ method }: SessionRequest, outcome: Outcome): Promise<Outcome> {
    if (outcome.kind !== 'error' || !this.port.discovered || !isLegacyAnswer(method, outcome)) return outcome;
    if (method !== DISCOVER.method && !(await this.#isLegacy())) return outcome;
    const { code, error } = outcome;
    throw this.#contradicted(new GatewayError('UPSTREAM_PROTOCOL', `error ${code} ${saidIn(error)}`));
  }

  /** What a failure that may come from a server of the other era is to be called: a contradiction, where it does. */
  async explained({ method }: SessionRequest, error: GatewayError): Promise<GatewayError> {
    if (!this.port.discovered) return error;
    return method === DISCOVER.method || (await this.#isLegacy()) ? this.#contradicted(error) : error;
  }

  /** Something that every server of this era takes was refused. */
  async doubt(): Promise<void> {
    if (!(await this.#isLegacy())) return;
    this.#contradicted(new GatewayError('UPSTREAM_PROTOCOL', `it does not know ${DISCOVER.method}`));
  }

  /** Whether the upstream does not even know `server/discover` any more. What breaks on the way proves nothing. */
  #isLegacy(): Promise<boolean> {
    this.#asking ??= this.port
      .dispatch({ ...DISCOVER, timeout: VERIFY, maxTotal: VERIFY })
      .outcome.then(
        (outcome) => outcome.kind === 'error' && isLegacyAnswer(DISCOVER.method, outcome),
        (thrown: unknown) => mayBeLegacy(toGatewayError(thrown)),
      )
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  #contradicted(cause: GatewayError): GatewayError {
    const { server, version } = this.port;
    const text = `${server} no longer answers like a server of ${version}: ${cause.message}`;
    const error = new GatewayError('UPSTREAM_SESSION_LOST', text, { data: { server }, cause, notExecuted: true });
    this.port.contradicted(error);
    return error;
  }
}
