import type { Result } from './conduct.js';

/** Whether everything was as it has to be. */
export function isGood({ wrong, lost, problems }: Result): boolean {
  return wrong === 0 && lost === 0 && problems.length === 0;
}

export const HEADER = row(['fault', 'sent', 'right', 'clear error', 'wrong', 'lost', 'recovery', 'seconds']);

export function line(result: Result): string {
  const { name, sent, right, clear, wrong, lost, recovery, seconds } = result;
  const back = recovery === undefined ? '' : `${Math.round(recovery)} ms`;
  return row([name, sent, right, clear, wrong, lost, back, seconds.toFixed(1)]);
}

/** What else there is to say: which errors they were, and everything that is wrong. */
export function details({ errors, faults, problems }: Result): string[] {
  const kinds = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
  return [
    ...(kinds.length > 0 ? [`    ${kinds.join(', ')}`] : []),
    ...faults.map((fault) => `    WRONG ${fault}`),
    ...problems.map((problem) => `    WRONG ${problem}`),
  ];
}

function row([fault, ...figures]: readonly (string | number)[]): string {
  return [String(fault).padEnd(28), ...figures.map((figure) => String(figure).padStart(11))].join(' ');
}
