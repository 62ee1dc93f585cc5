import { type Exchange, GatewayError, type Log, messageOf, type Outcome } from '#libs/kernel';
import type { ScanLimits } from '#libs/mcp';
import type { CallPolicy, PolicyAnswer, PolicyCall, PolicyQuestion } from '#libs/plugin';
import { askClient, Unanswered } from './policy-question.js';
import { rewrittenOutcome, rewrittenParams } from './rewrites.js';

/** What the chain follows of the configuration, asked for anew each time. */
export interface PolicyLimits {
  /** Milliseconds one judgement may take; time in which the client is asked does not count. */
  readonly patience: number;
  /** Of what policies write. */
  readonly json: ScanLimits;
}

/** A policy said no: who, and why, for the audit. */
export interface Denial {
  readonly policy: string;
  readonly reason: string;
}

/** A call on its way through the policies. */
export interface Judged {
  readonly exchange: Exchange;
  readonly method: PolicyCall['method'];
  readonly object: PolicyCall['object'];
  /** Takes the denial, for whoever records it. */
  readonly verdict: { denial?: Denial };
  /** Milliseconds in which the client was asked, which do not count. */
  asked: number;
}

/** What policies say, before and after a call, as it is read here: by people who may not have a type checker. */
type Judgement = Settled | { readonly effect: 'deny'; readonly reason: unknown } | Asking;
type Settled =
  | { readonly effect: 'allow' }
  | { readonly effect: 'rewrite'; readonly params?: unknown; readonly outcome?: unknown };
interface Asking {
  readonly effect: 'ask';
  readonly question: PolicyQuestion;
  decide(answer: PolicyAnswer): Judgement | Promise<Judgement>;
}
type Said = Settled | Asking;

const EFFECTS: ReadonlySet<unknown> = new Set(['allow', 'deny', 'rewrite', 'ask']);

/** The policies of all loaded modules in their order. Where none is installed there is no chain either. */
export class PolicyChain {
  readonly #inOrder: readonly (readonly [name: string, policy: CallPolicy])[];
  /** Of each call, the policies that are done with it, and whether they asked: a call that goes on is judged by that. */
  readonly #passed = new WeakMap<Exchange, Map<CallPolicy, 'asked' | 'unasked'>>();

  private constructor(
    policies: ReadonlyMap<string, CallPolicy>,
    private readonly limits: () => PolicyLimits,
    private readonly log: Log,
  ) {
    this.#inOrder = [...policies].sort(([a, one], [b, other]) => one.order - other.order || (a < b ? -1 : 1));
  }

  static of(policies: ReadonlyMap<string, CallPolicy>, limits: () => PolicyLimits, log: Log): PolicyChain | undefined {
    return policies.size === 0 ? undefined : new PolicyChain(policies, limits, log);
  }

  /** The params to send. @throws GatewayError ACCESS_DENIED, or what ended the call while the client was asked */
  async before(judged: Judged, params: Buffer): Promise<Buffer> {
    let current = params;
    const passed = new Map<CallPolicy, 'asked' | 'unasked'>();
    this.#passed.set(judged.exchange, passed);
    for (const [name, policy] of this.#inOrder) {
      const said = await this.#judge(judged, name, () => policy.before(callOf(judged, current)));
      passed.set(policy, said.effect === 'ask' ? 'asked' : 'unasked');
      const settled = await this.#settle(judged, name, said);
      if (settled.effect !== 'rewrite') continue;
      const before = current;
      current = await this.#trusting(judged, name, () => rewrittenParams(before, settled.params, this.limits().json));
    }
    return current;
  }

  /** The outcome to deliver. @throws GatewayError ACCESS_DENIED, or what ended the call while the client was asked */
  async after(judged: Judged, params: Buffer, outcome: Outcome): Promise<Outcome> {
    let current = outcome;
    const call = callOf(judged, params);
    for (const [name, policy] of this.#inOrder.toReversed()) {
      const said = await this.#judge(judged, name, () => policy.after(call, current));
      const settled = await this.#settle(judged, name, said);
      if (settled.effect !== 'rewrite') continue;
      const before = current;
      current = await this.#trusting(judged, name, () => rewrittenOutcome(before, settled.outcome, this.limits().json));
    }
    return current;
  }

  /** Judges a waiting call once more before it goes on; see `PolicyCall.resumed`. @throws GatewayError ACCESS_DENIED */
  async resume(judged: Judged, params: Buffer, waiting: Exchange): Promise<void> {
    const passed = this.#passed.get(waiting);
    for (const [name, policy] of this.#inOrder) {
      const said = await this.#judge(judged, name, () => policy.before(callOf(judged, params, true)));
      if (said.effect === 'ask' && passed?.get(policy) === 'unasked') {
        throw this.#denial(judged, name, 'it wants to ask, but the call went through without a question');
      }
    }
  }

  /** What a policy says, unless that is no. */
  async #judge(judged: Judged, name: string, work: () => Judgement | Promise<Judgement>): Promise<Said> {
    const said = await this.#trusting(judged, name, async () => {
      const judgement = await inTime(work(), this.limits().patience, judged.exchange);
      if (!EFFECTS.has((judgement as Judgement | undefined)?.effect)) {
        throw new Error('it said none of allow, deny, rewrite, ask');
      }
      return judgement;
    });
    if (said.effect === 'deny') throw this.#denial(judged, name, said.reason);
    return said;
  }

  /** What remains when a question, if it is one, has been answered. */
  async #settle(judged: Judged, name: string, said: Said): Promise<Settled> {
    if (said.effect !== 'ask') return said;
    const { exchange, object } = judged;
    const began = performance.now();
    const answer = await this.#trusting(judged, name, () => askClient(exchange, object.server, name, said.question));
    judged.asked += performance.now() - began;
    const decided = await this.#judge(judged, name, () => said.decide(answer));
    if (decided.effect === 'ask') throw this.#denial(judged, name, 'it asked a second time');
    return decided;
  }

  /** An error in a decision is a denial. Only what ended the call itself is told as what it is. */
  async #trusting<T>(judged: Judged, name: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (judged.exchange.aborted || (thrown instanceof GatewayError && thrown.code === 'CANCELLED')) throw thrown;
      if (!(thrown instanceof Unanswered)) {
        this.log.error(
          { policy: name, requestId: judged.exchange.id, err: thrown },
          `the policy '${name}' failed, which denies the call`,
        );
      }
      throw this.#denial(judged, name, messageOf(thrown));
    }
  }

  #denial({ verdict }: Judged, policy: string, reason: unknown): GatewayError {
    verdict.denial = { policy, reason: String(reason ?? '') };
    return new GatewayError('ACCESS_DENIED', `The gateway's policy '${policy}' does not allow this`, {
      data: { rule: policy },
    });
  }
}

function callOf({ exchange, method, object }: Judged, params: Buffer, resumed = false): PolicyCall {
  const { id: requestId, principal, client, endpoint, remoteAddress } = exchange;
  return {
    requestId,
    method,
    object,
    principal,
    client,
    endpoint,
    remoteAddress,
    params,
    resumed,
    get signal() {
      return exchange.signal;
    },
  };
}

/** Waits for a judgement, no longer than it may take and than somebody waits for the call. */
async function inTime<T>(work: T | Promise<T>, milliseconds: number, exchange: Exchange): Promise<T> {
  if (!(work instanceof Promise)) return work;
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  const cut = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`it took longer than ${milliseconds} ms (server.limits.policy)`)),
      milliseconds,
    );
    unsubscribe = exchange.onAbort(reject);
  });
  try {
    return await Promise.race([work, cut]);
  } finally {
    clearTimeout(timer);
    unsubscribe?.();
  }
}
