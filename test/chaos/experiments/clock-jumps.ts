import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { caller } from '../../support/callers.js';
import { ROOT } from '../../support/processes.js';
import { RawLegacy } from '../clients/raw-legacy.js';
import { RawModern } from '../clients/raw-modern.js';
import type { Experiment, Stage } from '../experiment.js';
import { answer, Providers } from '../world/providers.js';

const HOUR = 3_600_000;
const NAME = 'audit.jsonl';
/** Less than `server.limits.session_lifetime`, either way. */
const JUMPS = [4 * HOUR, -4 * HOUR, 12 * HOUR, -12 * HOUR];
/** More than it. */
const BEYOND = 25 * HOUR;
/** Longest a call of this experiment can have taken, in milliseconds. */
const LONGEST = 60_000;

/** A caller with a key that has no date. */
const KEYED = caller('keyed', { groups: ['User'] });

/**
 * What has a date ends or begins with it: tokens, sessions. What lasts is told by a clock that no date changes: limits, waits,
 * durations. Timers go on, so nothing hangs and nothing is hurried.
 */
export const CLOCK_JUMPS: Experiment = {
  name: 'clock-jumps',
  about:
    'the date of the gateway is set forward and back by hours under load; tokens, sessions, limits and waits must behave',
  seconds: 25,
  world: {
    upstreams: ['calm', 'dated', 'hourly', 'secondly'].map((name) => ({ name, kind: 'http-json' as const })),
    beside: (port) => Providers.start(port, KEYED.headers),
    sections: {
      api_keys: [KEYED.entry],
      audit: { to: NAME },
      rate_limit: [
        { key: 'tool', match: 'hourly:*', limit: 3, per: '1h' },
        { key: 'tool', match: 'secondly:*', limit: 3, per: '1s' },
      ],
    },
    node: ['--import', join(ROOT, 'test/chaos/testing/settable-date.mjs')],
  },
  load: { upstreams: ['calm'], official: [] },
  async run(stage) {
    const providers = Providers.of(stage.world);
    const own = new Visitors(stage, providers);
    await own.useUp('hourly');
    for (const jump of stage.random.shuffle(JUMPS)) {
      await setDate(stage, jump);
      await stage.calls(30);
      await own.areJudgedAt(jump);
      await own.expect('hourly', own.keyed, 'RATE_LIMITED');
      await audited(stage, jump);
    }
    await setDate(stage, 0);
    await own.useUp('secondly');
    await own.expect('dated', own.stranger, 'AUTH_UNAVAILABLE');
    await setDate(stage, -12 * HOUR);
    answer(providers.late, 'ok');
    await own.getsIn('secondly', own.keyed);
    await own.getsIn('dated', own.stranger);
    const failed = stage.world.ledger.calls.filter(
      ({ upstream, outcome }) => upstream === 'calm' && outcome.kind !== 'answer',
    );
    if (failed.length > 0) stage.problem(`${failed.length} calls failed that no date concerns`);
    await sessionsEnd(stage);
    await own.close();
  },
};

/** Clients of the experiment's own. */
class Visitors {
  readonly keyed: RawModern;
  readonly stranger: RawModern;
  /** Their tokens' first and last moment, in milliseconds from the true date. */
  readonly #dated: readonly { readonly client: RawModern; readonly from: number; readonly to: number }[];
  readonly #stage: Stage;
  readonly #providers: Providers;

  constructor(stage: Stage, providers: Providers) {
    const { url } = stage.world;
    this.#stage = stage;
    this.#providers = providers;
    this.keyed = new RawModern('keyed', url, KEYED.headers);
    this.stranger = this.#client('stranger', [-13 * HOUR, 13 * HOUR], providers.late);
    const lives = { long: [-13 * HOUR, 13 * HOUR], ending: [-13 * HOUR, HOUR] } as const;
    this.#dated = Object.entries(lives).map(([name, [from, to]]) => {
      return { client: this.#client(name, [from, to]), from, to };
    });
  }

  async areJudgedAt(date: number): Promise<void> {
    for (const { client, from, to } of this.#dated) {
      await this.expect('dated', client, date >= from && date < to ? 'answer' : 'TOKEN_INVALID');
    }
    // Nobody has seen it before, so nobody has found it good at another date.
    const fresh = this.#client(`fresh-${date}`, [-HOUR, 13 * HOUR]);
    await this.expect('dated', fresh, date >= -HOUR ? 'answer' : 'TOKEN_INVALID');
    await fresh.close();
  }

  /** Calls until the limit of the upstream is reached. */
  async useUp(upstream: string): Promise<void> {
    await this.#stage.until(`the limit of ${upstream} is reached`, async () => {
      return (await this.#ends(upstream, this.keyed)) === 'RATE_LIMITED';
    });
  }

  async getsIn(upstream: string, client: RawModern): Promise<void> {
    await this.#stage
      .until(`${client.name} gets into ${upstream}`, async () => (await this.#ends(upstream, client)) === 'answer')
      .catch((error: Error) => this.#stage.problem(error.message));
  }

  async expect(upstream: string, client: RawModern, end: string): Promise<void> {
    const seen = await this.#ends(upstream, client);
    if (seen !== end) this.#stage.problem(`a call of ${client.name} to ${upstream}: ${seen}, and not ${end}`);
  }

  async close(): Promise<void> {
    const all = [this.keyed, this.stranger, ...this.#dated.map(({ client }) => client)];
    await Promise.all(all.map((client) => client.close()));
  }

  /** A client whose token is good from `from` to `to`, in milliseconds from now. */
  #client(name: string, [from, to]: readonly [number, number], provider = this.#providers.known): RawModern {
    const at = (milliseconds: number) => Math.floor((Date.now() + milliseconds) / 1_000);
    const claims = { iat: at(from), exp: at(to), sub: name };
    return new RawModern(name, this.#stage.world.url, this.#providers.bearer(provider, claims));
  }

  async #ends(upstream: string, client: RawModern): Promise<string> {
    const outcome = await this.#stage.call(client, upstream);
    return outcome.kind === 'error' ? String(outcome.code) : outcome.kind;
  }
}

/** Sessions end with their date, once each; clients open another one. */
async function sessionsEnd(stage: Stage): Promise<void> {
  const { world } = stage;
  const client = new RawLegacy('lasting', world.url, world.headers);
  const ends = async () => {
    const outcome = await stage.call(client, 'dated');
    return outcome.kind === 'error' ? outcome.code : outcome.kind;
  };
  const seen = [await ends()];
  await setDate(stage, BEYOND);
  seen.push(await ends(), await ends());
  if (seen.join() !== 'answer,SESSION_NOT_FOUND,answer') stage.problem(`a session beyond its end: ${seen.join()}`);
  await client.close();
}

async function setDate(stage: Stage, ahead: number): Promise<void> {
  stage.progress(`the date is ${ahead / HOUR} hours ahead`);
  await stage.world.setDate(ahead);
}

/** Lines have the date that is set, and durations that are true. */
async function audited(stage: Stage, ahead: number): Promise<void> {
  const file = join(dirname(stage.world.gateway.file), NAME);
  const lines = () => {
    const texts = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return texts.map((text) => JSON.parse(text) as { readonly time: string; readonly duration_ms?: number });
  };
  const isNow = ({ time }: { readonly time: string }) => Math.abs(Date.parse(time) - Date.now() - ahead) < LONGEST;
  await stage
    .until('the audit has the date that is set', () => lines().slice(-1).some(isNow))
    .catch((error: Error) => stage.problem(error.message));
  const odd = lines().find(({ duration_ms: duration = 0 }) => !(duration >= 0 && duration < LONGEST));
  if (odd) stage.problem(`a call has taken ${odd.duration_ms} ms`);
}
