import type { Random } from '../chaos/random.js';
import { RawSession } from '../support/raw.js';
import { listen, listenModern, type OpenStream } from '../support/stream.js';
import { Cleanup } from '../support/wait.js';
import { passed } from './pause.js';
import { CALLERS } from './plan.js';

/** Streams of each era that are open at a time. */
const STREAMS = 3;
/** Milliseconds in the life of a stream. */
const LIFE = [2_000, 20_000] as const;

/** Clients that only listen, on streams that they open and give up again. Resolves after `end`; tells what is wrong. */
export async function listeners(
  url: string,
  random: Random,
  end: AbortSignal,
  problem: (text: string) => void,
): Promise<void> {
  const one = async (openOne: typeof legacy, own: Random) => {
    while (!end.aborted) await listenOnce(url, openOne, own, end).catch((error: Error) => problem(error.message));
  };
  const all = [legacy, modern].flatMap((era) => Array.from({ length: STREAMS }, () => one(era, random.fork())));
  await Promise.all(all);
}

async function listenOnce(url: string, openOne: typeof legacy, random: Random, end: AbortSignal): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const stream = await openOne(url, random, cleanup);
    if (stream.response.status !== 200) throw new Error(`a stream was refused with ${stream.response.status}`);
    const ended = stream.ended.then(() => true);
    const cut = await Promise.race([ended, passed(random.between(...LIFE), end).then(() => false)]);
    if (cut) throw new Error('the gateway ended a stream of a client that was listening');
  } finally {
    await cleanup.close();
  }
}

async function legacy(url: string, random: Random, cleanup: Cleanup): Promise<OpenStream> {
  const { headers } = random.pick(CALLERS);
  const session = cleanup.add(await RawSession.open(url, { headers }));
  return listen(session, cleanup);
}

async function modern(url: string, random: Random, cleanup: Cleanup): Promise<OpenStream> {
  return listenModern(url, { toolsListChanged: true }, random.pick(CALLERS).headers, cleanup);
}
