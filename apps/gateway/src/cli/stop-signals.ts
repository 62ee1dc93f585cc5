/** A terminal and npm both deliver one Ctrl-C: what comes this soon after the first is the same one. */
const SAME_PRESS = 1_000;

export interface StopSignals {
  /** Resolves with the first signal. */
  readonly stopped: Promise<NodeJS.Signals>;
  /** Takes the handlers away. */
  release(): void;
}

/** Waits for SIGINT, SIGTERM or SIGHUP. A later second one calls `onImpatient`, which ends the process at once. */
export function stopSignals(onImpatient: () => void, now: () => number = Date.now): StopSignals {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let resolve: (signal: NodeJS.Signals) => void = () => {};
  const stopped = new Promise<NodeJS.Signals>((settle) => {
    resolve = settle;
  });
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      first = now();
      resolve(signal);
    } else if (now() - first > SAME_PRESS) onImpatient();
  };
  for (const name of names) process.on(name, onSignal);
  return {
    stopped,
    release() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
