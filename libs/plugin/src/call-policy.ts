import type { ClientHop, Endpoint, ObjectRef, Outcome, Principal } from '#libs/kernel';

/** One call as a policy sees it: it is permitted, and about to go to its upstream, or has been there. */
export interface PolicyCall {
  /** Correlation id, as in the log and the audit. */
  readonly requestId: string;
  readonly method: 'tools/call' | 'prompts/get' | 'resources/read' | 'completion/complete';
  /** What it is about, in the upstream's own spelling. */
  readonly object: ObjectRef;
  readonly principal: Principal;
  /** What the client says of itself: for texts, never for decisions. */
  readonly client: ClientHop;
  readonly endpoint: Endpoint;
  readonly remoteAddress: string;
  /** JSON of the params as they go, or went, to the upstream. */
  readonly params: Buffer;
  /**
   * The client comes back to a call that waits for its answer, and the call is judged once more before it goes on. Now only
   * `deny` counts for anything: `rewrite` is ignored, and `ask` is no objection where this policy's question was put in this
   * call, or still will be; where it let the call pass without one, `ask` is a denial.
   */
  readonly resumed: boolean;
  /** Aborts when nobody waits for the call any more. */
  readonly signal: AbortSignal;
}

/** A question to the person in front of the client, as an elicitation in form mode (MCP, elicitation). */
export interface PolicyQuestion {
  readonly message: string;
  /** A flat JSON schema of type object, as MCP restricts it. Default: no fields, only accept or decline. */
  readonly requestedSchema?: object;
}

export interface PolicyAnswer {
  readonly action: 'accept' | 'decline' | 'cancel';
  /** With `accept`: what was filled in. Nobody has checked it against the schema. */
  readonly content?: Readonly<Record<string, unknown>>;
}

/** `reason` is for the audit; the client is told the policy's name and nothing else. */
export type PolicyDecision = { readonly effect: 'allow' } | { readonly effect: 'deny'; readonly reason: string };

/**
 * What a policy says before a call. `rewrite`: it goes with other params; the members that say what it is about must stay
 * what they are. `ask`: the client is asked, and `decide` judges by the answer; it may not ask again.
 */
export type BeforeCall = Params | Asking<Params>;

type Params = PolicyDecision | { readonly effect: 'rewrite'; readonly params: Buffer };

/**
 * What a policy says of an outcome. `deny`: the caller does not get it; the call has been executed all the same.
 * `rewrite`: it gets another one.
 */
export type AfterCall = Delivered | Asking<Delivered>;

type Delivered = PolicyDecision | { readonly effect: 'rewrite'; readonly outcome: Outcome };

interface Asking<Judgement> {
  readonly effect: 'ask';
  readonly question: PolicyQuestion;
  decide(answer: PolicyAnswer): MaybePromise<Judgement>;
}

type MaybePromise<T> = T | Promise<T>;

/**
 * Extension point: judges calls that permissions allow, and what comes of them. Every policy of every loaded module takes
 * part: `before` in ascending `order`, then by name; `after` the other way round. The first denial ends it.
 *
 * A policy that throws, takes longer than `server.limits.policy`, says what it must not, or whose question cannot be
 * answered, denies. One instance serves all calls at once. Run `describeCallPolicy` over every implementation.
 */
export abstract class CallPolicy {
  /** Smaller ones judge first. */
  readonly order: number = 0;

  /** Judges what is about to be sent. Runs again, with `resumed`, when a call that waited for its client goes on. */
  before(_call: PolicyCall): MaybePromise<BeforeCall> {
    return { effect: 'allow' };
  }

  /**
   * Judges what an upstream answered: a result, an error of its own, or its questions (`input_required`). In the upstream's
   * own terms: URIs are not spelled for the client yet. What the gateway itself reports does not come by here.
   */
  after(_call: PolicyCall, _outcome: Outcome): MaybePromise<AfterCall> {
    return { effect: 'allow' };
  }
}
