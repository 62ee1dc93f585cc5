import { EMPTY_RESULT, type Outcome } from '#libs/kernel';
import { Deadline } from '../deadline.js';
import { expired, formatMs } from '../failures.js';
import type { SessionRequest } from '../upstream-session.js';

/** Where resources are watched. */
export interface Watch {
  /** Resolves false when the upstream does not tell of updates. */
  watch(uri: string): Promise<boolean>;
  unwatch(uri: string): void;
}

/**
 * What `resources/subscribe` comes to in this era, which has no such request (M:subs): the resource is watched, within the time
 * the request has.
 * @throws GatewayError UPSTREAM_TIMEOUT
 */
export async function subscribe(server: string, resources: Watch, request: SessionRequest): Promise<Outcome> {
  const uri = uriOf(request);
  const deadline = request.deadline ?? new Deadline(request.maxTotal);
  const { limit, wait } = deadline.nearer(request.timeout);
  const milliseconds = limit === 'timeout' ? request.timeout : deadline.total;
  const text = `${server} did not acknowledge ${request.subject} within ${formatMs(milliseconds)} (connection.${limit})`;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const give = () => reject(expired(server, request, { limit, milliseconds, sent: true }, text));
    timer = setTimeout(give, Math.min(wait, 2 ** 31 - 1));
  });
  try {
    if (await Promise.race([resources.watch(uri), tooLong])) return EMPTY_RESULT;
  } catch (thrown) {
    // It would be watched for nobody.
    resources.unwatch(uri);
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
  const error = JSON.stringify({ code: -32601, message: `${server} does not tell of updates of this resource` });
  return { kind: 'error', code: -32601, error: Buffer.from(error) };
}

export function unsubscribe(resources: Watch, request: SessionRequest): Outcome {
  resources.unwatch(uriOf(request));
  return EMPTY_RESULT;
}

function uriOf(request: SessionRequest): string {
  return request.params?.string('uri') ?? '';
}
