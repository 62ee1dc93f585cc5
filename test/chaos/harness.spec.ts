import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { isAlive, ROOT } from '../support/processes.js';
import { type ConductOptions, conduct, type Result } from './conduct.js';
import type { Experiment, Stage } from './experiment.js';
import { isGood, lines } from './report.js';
import { honest } from './world/faulty/exchange.js';

// Each test makes something wrong that the harness has to find. The last line of defence must not be taken on trust.

const PATIENT = { timeout: 180_000 };
const BROKEN_ID_MAP = join(ROOT, 'test/chaos/testing/broken-id-map.mjs');
const open: Socket[] = [];

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

async function found(run: Experiment['run'], options: Partial<ConductOptions> = {}): Promise<Result> {
  const experiment: Experiment = {
    name: 'harness',
    about: 'what the harness must find',
    seconds: 10,
    world: {
      upstreams: [
        { name: 'child', kind: 'stdio', connection: { timeout: '2s' } },
        { name: 'faulty', kind: 'faulty', connection: { timeout: '2s' } },
      ],
    },
    load: { official: [], ms: [0, 20], sizes: [0, 1_000] },
    run,
  };
  return conduct(experiment, { seed: 1, progress: () => {}, ...options });
}

const callsOn = (stage: Stage) => stage.calls(60);

describe('the harness of the experiments', () => {
  it('finds nothing where nothing is broken', PATIENT, async () => {
    const result = await found(callsOn);
    expect(lines(result).filter((text) => text.includes('WRONG'))).toEqual([]);
    expect(result.right).toBe(result.sent);
    expect(result.sent).toBeGreaterThan(200);
    expect(isGood(result)).toBe(true);
  });

  it("finds answers of other calls when the gateway's id map is broken", PATIENT, async () => {
    const result = await found(callsOn, { node: ['--import', BROKEN_ID_MAP] });
    expect(result.faults.join('\n')).toMatch(/not its own answer/);
    expect(result.wrong).toBeGreaterThan(0);
    expect(isGood(result)).toBe(false);
  });

  it('finds a call that ran twice', PATIENT, async () => {
    const result = await found(async (stage) => {
      const { ledger } = stage.world;
      stage.world.faulty('faulty').behaviour = (exchange) => {
        const { method, params } = exchange.message;
        if (method === 'tools/call' && params?.name === 'work') {
          appendFileSync(ledger.file, `${params.arguments?.['nonce']}\n`);
        }
        honest(exchange);
      };
      await callsOn(stage);
    });
    expect(result.faults.join('\n')).toMatch(/ran 2 times/);
    expect(isGood(result)).toBe(false);
  });

  it('finds what is left: processes and handles', PATIENT, async () => {
    let left = 0;
    const leak = async (stage: Stage) => {
      const script = 'setInterval(() => {}, 1000)';
      left = spawn(process.execPath, ['-e', script], { env: stage.world.env, stdio: 'ignore' }).pid ?? 0;
      for (let n = 0; n < 20; n++) open.push(connect(stage.world.port, '127.0.0.1').on('error', () => {}));
      await callsOn(stage);
    };
    const result = await found(leak, { tidy: 1_000 });
    const problems = result.problems.join('\n');
    expect(problems).toMatch(/^processes 2 -> 3$/m);
    expect(problems).toMatch(/^handles of the gateway: .*socket \d+ -> \d+/m);
    expect(problems).toMatch(new RegExp(`^processes left: ${left}$`, 'm'));
    // It was killed; the system takes a moment.
    await expect.poll(() => isAlive(left)).toBe(false);
    expect(isGood(result)).toBe(false);
  });

  it('finds that the gateway died, and every call that got no answer', PATIENT, async () => {
    const result = await found(async (stage) => {
      stage.world.gateway.child.kill('SIGKILL');
      await callsOn(stage);
    });
    expect(result.problems.join('\n')).toMatch(/the gateway ended/);
    expect(result.lost).toBeGreaterThan(0);
    expect(isGood(result)).toBe(false);
  });
});
