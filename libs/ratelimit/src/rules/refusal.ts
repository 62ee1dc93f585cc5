import { GatewayError, type ObjectRef } from '#libs/kernel';
import type { Rule } from './rule.js';

/** None of a rule's requests is left for so many milliseconds. */
export function rateExceeded(rule: Rule, target: ObjectRef | undefined, wait: number): GatewayError {
  const { limit, per, burst } = rule.settings;
  const retryAfter = Math.max(1, Math.ceil(wait / 1000));
  const atOnce = burst === null || burst === limit ? '' : `, ${burst} at once`;
  const allowed = permission(rule, target, `${limit} ${limit === 1 ? 'call' : 'calls'} ${every(per)}`);
  return limited(rule, `${allowed}${atOnce}, and none is left; try again in ${seconds(retryAfter)}`, {
    key: 'rate_limit[].limit',
    limit,
    per: per / 1000,
    burst: burst ?? limit,
    retryAfter,
  });
}

/** As many calls run as a rule allows. When one of them ends, nobody knows. */
export function tooManyRunning(rule: Rule, target: ObjectRef | undefined): GatewayError {
  const { concurrency } = rule.settings;
  const allowed = permission(rule, target, `${concurrency} ${concurrency === 1 ? 'call' : 'calls'} at a time`);
  const said = concurrency === 1 ? 'one is running' : 'that many are running';
  return limited(rule, `${allowed}, and ${said}; try again when one has finished`, {
    key: 'rate_limit[].concurrency',
    concurrency,
    retryAfter: 1,
  });
}

function limited(rule: Rule, message: string, data: Record<string, unknown>): GatewayError {
  return new GatewayError('RATE_LIMITED', message, { data: { ...data, rule: rule.name } });
}

function permission({ settings }: Rule, target: ObjectRef | undefined, calls: string): string {
  const { key, match } = settings;
  switch (key) {
    case 'principal':
      return `You may make ${calls}${to(match)}`;
    case 'client':
      return `This client may make ${calls}${to(match)}`;
    case 'ip':
      return `Your network address may make ${calls}${to(match)}`;
    case 'tool':
      return `${target?.server}:${target?.name.slice(0, 200)} takes ${calls} from all callers together`;
    case 'server':
      return `The server ${target?.server} takes ${calls}${to(match)} from all callers together`;
  }
}

function to(match: string | null): string {
  return match === null ? '' : ` to ${match}`;
}

function every(per: number): string {
  switch (per) {
    case 1_000:
      return 'a second';
    case 60_000:
      return 'a minute';
    case 3_600_000:
      return 'an hour';
    default:
      return `in ${seconds(per / 1000)}`;
  }
}

export function seconds(count: number): string {
  return count === 1 ? '1 second' : `${count} seconds`;
}
