import { createHmac } from 'node:crypto';

/** What the portal does when somebody signs in. `exp` in seconds since 1970. */
export function ticketFor(key, { sub, aud, exp, groups }) {
  const payload = Buffer.from(JSON.stringify({ sub, aud, exp, groups })).toString('base64url');
  return `${payload}.${createHmac('sha256', key).update(payload).digest('base64url')}`;
}
