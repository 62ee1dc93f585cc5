import { ERRORS, type ErrorCode } from '#libs/kernel';
import { answerTo } from './answer.js';
import type { Call, Outcome } from './call.js';

export type Verdict =
  | { readonly kind: 'right' | 'clear' }
  | { readonly kind: 'wrong' | 'lost' | 'twice'; readonly why: string };

/** What an experiment does that makes other ends than an answer right. */
export interface Allowances {
  /** It ends the gateway: connections to it may be refused or break. */
  readonly gatewayGone?: boolean;
  /** The gateway ends by itself: the same, but what it took it also answers. Only what did not run may break. */
  readonly gatewayDrains?: boolean;
}

const RIGHT: Verdict = { kind: 'right' };
const CLEAR: Verdict = { kind: 'clear' };
/** A call that may be repeated is repeated once at most. */
const MOST = { work: 1, look: 2 };
/** Errors that mean the call did not run, where they do not say so themselves. */
const DID_NOT_RUN: readonly string[] = ['UPSTREAM_UNREACHABLE', 'UPSTREAM_BUSY', 'RATE_LIMITED', 'OVERLOADED'];

/** Joins what a client saw with how often an upstream ran it. */
export function judge(call: Call, runs: number, allowed: Allowances = {}): Verdict {
  const { gatewayGone, gatewayDrains } = allowed;
  if (runs > MOST[call.tool]) return { kind: 'twice', why: `ran ${runs} times` };
  const { outcome } = call;
  switch (outcome.kind) {
    case 'answer':
      return answered(call, outcome.text, runs);
    case 'error':
      return refused(call, outcome, runs);
    case 'abandoned':
      return CLEAR;
    case 'refused':
      if (!gatewayGone && !gatewayDrains) return { kind: 'lost', why: 'the gateway took no connection' };
      return runs === 0 ? CLEAR : { kind: 'wrong', why: 'refused, but it ran' };
    case 'broken':
      if (gatewayGone || (gatewayDrains && runs === 0)) return CLEAR;
      return { kind: 'lost', why: `the connection broke: ${outcome.said}` };
    case 'silence':
      return { kind: 'lost', why: 'neither an answer nor an error' };
  }
}

/** Whether what came is the call's own answer, every byte of it. */
export function hasItsAnswer({ nonce, outcome, size }: Call): boolean {
  return outcome.kind === 'answer' && outcome.text === answerTo(nonce, size);
}

function answered(call: Call, text: string, runs: number): Verdict {
  if (!hasItsAnswer(call)) return { kind: 'wrong', why: `not its own answer: ${text.slice(0, 60)}` };
  return runs > 0 ? RIGHT : { kind: 'wrong', why: 'answered, but no upstream ran it' };
}

function refused(call: Call, error: Extract<Outcome, { kind: 'error' }>, runs: number): Verdict {
  const { code, said } = error;
  if (!isOurs(code)) return { kind: 'wrong', why: `an error without a code of ours: ${code} ${said.slice(0, 200)}` };
  if (code === 'INTERNAL') return { kind: 'wrong', why: `a defect: ${said.slice(0, 200)}` };
  const denied = error.mayHaveRun === undefined ? DID_NOT_RUN.includes(code) : !error.mayHaveRun;
  if (denied && runs > 0 && call.tool === 'work')
    return { kind: 'wrong', why: `it ran, but: ${code} ${said.slice(0, 300)}` };
  return CLEAR;
}

function isOurs(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERRORS, code);
}
