import { randomBytes } from 'node:crypto';
import { descendants, isAlive } from '../../support/processes.js';
import type { Experiment, Stage } from '../experiment.js';
import type { Allowances } from '../ledger/verdict.js';
import { defectIn } from '../world/ending.js';
import { KINDS } from '../world/upstreams.js';

const TIMES = 3;
/** Calls while the gateway is on its way out, or away. */
const AWAY = 40;

/**
 * The process ends in the middle of calls of clients of both eras and another one takes its port. With `server.session_key`
 * set, sessions are as good there as they were before: nobody is told otherwise, whatever upstream they call.
 */
function restarting(name: string, about: string, signal: NodeJS.Signals, allowed: Allowances): Experiment {
  return {
    name,
    about: `${about}, three times, with server.session_key set`,
    seconds: 40,
    world: {
      upstreams: KINDS.map((kind) => ({ name: kind, kind })),
      server: { session_key: randomBytes(32).toString('base64'), shutdown: { drain: '500ms', timeout: '10s' } },
    },
    load: { ms: [0, 20, 200], pause: 25 },
    restarts: true,
    allowed,
    async run(stage) {
      for (let time = 1; time <= TIMES; time++) {
        stage.progress(`${signal} ${time}`);
        await end(stage, signal);
        await stage.world.startGateway();
        stage.faultEnds(...KINDS);
        await stage.recovered();
        await stage.calls(AWAY);
      }
      const strangers = stage.world.ledger.calls.filter(({ outcome }) => {
        return outcome.kind === 'error' && outcome.code === 'SESSION_NOT_FOUND';
      });
      if (strangers.length > 0) stage.problem(`${strangers.length} calls were told that their session is unknown`);
    },
  };
}

/** Nothing of the gateway is left when it has gone: neither itself nor the children it started. */
async function end(stage: Stage, signal: NodeJS.Signals): Promise<void> {
  const { gateway } = stage.world;
  const family = [gateway.pid, ...descendants(gateway.pid)];
  gateway.child.kill(signal);
  await stage.calls(AWAY);
  const { child } = gateway;
  const ended = () => (child.exitCode ?? child.signalCode) !== null;
  await stage
    .until('the gateway and its children are gone', () => ended() && !family.some(isAlive))
    .catch((error: Error) => stage.problem(`${error.message}: ${family.filter(isAlive).join(', ')}`));
  const { exitCode } = child;
  if (signal === 'SIGTERM' && exitCode !== 0) stage.problem(`SIGTERM: it exited with ${exitCode}`);
  const defect = defectIn(gateway.output());
  if (defect !== undefined) stage.problem(`the log of the gateway that ended: ${defect}`);
}

export const STOP_GATEWAY = restarting('stop-gateway', 'SIGTERM under load and a new gateway on its port', 'SIGTERM', {
  gatewayDrains: true,
});
export const KILL_GATEWAY = restarting('kill-gateway', 'SIGKILL under load and a new gateway on its port', 'SIGKILL', {
  gatewayGone: true,
});
