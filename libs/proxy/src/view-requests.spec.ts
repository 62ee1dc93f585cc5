import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type ClientSession, principal } from '#libs/kernel';
import { ViewRequests } from './view-requests.js';

const session: ClientSession = {
  id: 's',
  principal: ANONYMOUS,
  endpoint: { kind: 'aggregate' },
  client: { era: 'legacy', version: '2025-11-25', name: 'test', clientVersion: '1', capabilities: {} },
  spelling: { separator: ':', maxLength: 128 },
  elsewhere: false,
};

describe('what requests ask the catalogue for', () => {
  it('is the very same for all requests of a session', () => {
    const requests = new ViewRequests();
    const first = requests.of({ ...session, session });
    expect(requests.of({ ...session, session })).toBe(first);
    expect(first).toMatchObject({ principal: ANONYMOUS, endpoint: session.endpoint, era: 'legacy' });
  });

  it('never is what somebody else asked for', () => {
    const requests = new ViewRequests();
    requests.of({ ...session, session });
    const ann = principal('https://issuer.example', 'ann');
    expect(requests.of({ ...session, principal: ann, session }).principal).toBe(ann);
    const elsewhere = { kind: 'server', server: 'one' } as const;
    expect(requests.of({ ...session, endpoint: elsewhere, session }).endpoint).toBe(elsewhere);
  });

  it('is made anew outside of sessions', () => {
    const requests = new ViewRequests();
    expect(requests.of(session)).not.toBe(requests.of(session));
    expect(requests.of(session).key).toBeUndefined();
  });
});
