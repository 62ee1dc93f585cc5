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
  const output = world.gateway.output();
  if (/"level":60|"INTERNAL"|unhandled/i.test(output)) reporter.problem(`the gateway's log: ${output.slice(-2_000)}`);
  await world.close();
  if (child.exitCode !== 0) reporter.problem(`the gateway exited with ${child.exitCode ?? child.signalCode}`);
  await until('no process is left', () => world.processes().length === 0, tidy).catch(() => {
    const left = world.processes();
    reporter.problem(`processes left: ${left.join(', ')}`);
    for (const pid of left) process.kill(pid, 'SIGKILL');
  });
}
