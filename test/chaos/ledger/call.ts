/** What a client asks for. `work` has effects, so it must never run twice; `look` says that it may be repeated. */
export interface Order {
  readonly nonce: string;
  readonly upstream: string;
  readonly tool: 'work' | 'look';
  /** The upstream asks the client for the nonce of its call, and answers with what it is told. */
  readonly ask?: boolean;
  /** Milliseconds the upstream takes. */
  readonly ms: number;
  /** Bytes of the answer, besides the nonce. */
  readonly size: number;
}

/** What came of it, as the client saw it. */
export type Outcome =
  | { readonly kind: 'answer'; readonly text: string }
  /** An error in JSON-RPC or HTTP; without a code nobody could tell what to do about it. */
  | { readonly kind: 'error'; readonly code: string | undefined; readonly said: string; readonly mayHaveRun?: boolean }
  /** The gateway took no connection. */
  | { readonly kind: 'refused' }
  /** The connection ended without an answer. */
  | { readonly kind: 'broken'; readonly said: string }
  /** The client itself gave up, on purpose. */
  | { readonly kind: 'abandoned' }
  /** Nothing, for longer than any limit allows. */
  | { readonly kind: 'silence' };

/** One call in the book. Times are of `performance.now()`. */
export interface Call extends Order {
  readonly client: string;
  readonly sentAt: number;
  readonly settledAt: number;
  readonly outcome: Outcome;
}
