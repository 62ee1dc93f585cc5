import type { Result, Row } from './conduct.js';

/** Whether everything was as it has to be. */
export function isGood({ wrong, lost, problems }: Result): boolean {
  return wrong === 0 && lost === 0 && problems.length === 0;
}

export const HEADER = row(['fault', 'sent', 'right', 'clear error', 'wrong', 'lost', 'recovery', 'seconds']);

/** The experiment, each of its upstreams, and everything that is wrong. */
export function lines(result: Result): string[] {
  const { name, rows, seconds, faults, problems } = result;
  return [
    row([name, ...figures(result), seconds.toFixed(1)]),
    ...(rows.length > 1 ? rows.map((one) => `${row([`  ${one.upstream}`, ...figures(one), ''])}  ${kinds(one)}`) : []),
    ...faults.map((fault) => `    WRONG ${fault}`),
    ...problems.map((problem) => `    WRONG ${problem}`),
  ];
}

function figures({ sent, right, clear, wrong, lost, recovery }: Row | Result): (string | number)[] {
  return [sent, right, clear, wrong, lost, recovery === undefined ? '' : `${Math.round(recovery)} ms`];
}

function kinds({ errors }: Row): string {
  return Object.entries(errors)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
}

function row([fault, ...cells]: readonly (string | number)[]): string {
  return [String(fault).padEnd(28), ...cells.map((cell) => String(cell).padStart(11))].join(' ');
}
