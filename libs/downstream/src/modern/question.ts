import { type Answer, type Ask, GatewayError, type InputRequest } from '#libs/kernel';

/** A question of an upstream that a modern client is to answer on a retry. */
export class Question implements Ask {
  readonly answer: Promise<Answer>;
  #resolve!: (answer: Answer) => void;
  #reject!: (reason: GatewayError) => void;
  #settled = false;

  constructor(
    readonly key: string,
    readonly request: InputRequest,
    /** Milliseconds since the epoch. */
    readonly deadline: number,
    private readonly onSettled: (question: Question) => void,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever withdraws a question may not look at its answer any more.
    this.answer.catch(() => {});
  }

  answered(result: Buffer): void {
    if (this.#settle()) this.#resolve({ kind: 'result', result });
  }

  refuse(reason: GatewayError): void {
    if (this.#settle()) this.#reject(reason);
  }

  withdraw(reason: string): void {
    this.refuse(new GatewayError('CANCELLED', `The question was withdrawn: ${reason}`));
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.onSettled(this);
    return true;
  }
}
