import { until } from '../../support/wait.js';
import type { World } from './world.js';

/** Whom to tell how far it is, and what is wrong. */
export interface Reporter {
  progress(text: string): void;
  problem(text: string): void;
}

/** The gateway is told to stop; nothing of the world may outlive it. `tidy`: longest that may take, in milliseconds. */
export async function endOf(world: World, reporter: Reporter, tidy: number): Promise<void> {
  reporter.progress('ending');
  const { child } = world.gateway;
  const defect = defectIn(world.gateway.output());
  if (defect !== undefined) reporter.problem(`the gateway's log: ${defect}`);
  await world.close();
  if (child.exitCode !== 0) reporter.problem(`the gateway exited with ${child.exitCode ?? child.signalCode}`);
  await until('no process is left', () => world.processes().length === 0, tidy).catch(() => {
    const left = world.processes();
    reporter.problem(`processes left: ${left.join(', ')}`);
    for (const pid of left) process.kill(pid, 'SIGKILL');
  });
}

/** The first line of a gateway's log that tells of a defect in it. */
export function defectIn(output: string): string | undefined {
  return /.*(?:"level":60|"INTERNAL"|unhandled).*/i.exec(output)?.[0].slice(0, 2_000);
}
