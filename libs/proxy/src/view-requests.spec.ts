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

  it('is the very same for all requests of a caller that need no session, while they ask in the same way', () => {
    const requests = new ViewRequests();
    const first = requests.of(session);
    expect(requests.of({ ...session })).toBe(first);
    const one = { kind: 'server', server: 'one' } as const;
    const others = [
      { endpoint: one },
      { endpoint: { kind: 'toolset', toolset: 'one' } as const },
      { spelling: { separator: '__', maxLength: 128 } },
      { spelling: { separator: ':', maxLength: 64 } },
      { client: { ...session.client, era: 'modern', capabilities: { sampling: {} } } as const },
      { principal: principal('https://issuer.example', 'ann') },
    ].map((other) => ({ ...session, ...other }));
    const made = others.map((other) => requests.of(other));
    expect(new Set([first, ...made]).size).toBe(others.length + 1);
    for (const [index, other] of others.entries()) {
      const { principal: who, endpoint, spelling, client } = other;
      expect(made[index]).toMatchObject({ principal: who, endpoint, spelling, era: client.era });
      expect(requests.of(other)).toBe(made[index]);
    }
    expect(requests.of({ ...session, endpoint: { ...one } })).toBe(made[0]);
  });

  it('is forgotten where one caller asks in too many ways, and right all the same', () => {
    const requests = new ViewRequests();
    const first = requests.of(session);
    for (let index = 0; index < 40; index++) {
      const client = { ...session.client, capabilities: index % 2 === 0 ? { sampling: {} } : {} };
      expect(requests.of({ ...session, client }).capabilities).toBe(index % 2 === 0 ? 's' : '');
    }
    expect(requests.of(session)).not.toBe(first);
    expect(requests.of(session)).toEqual(first);
  });
});
