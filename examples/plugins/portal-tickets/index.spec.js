import { authSetup, bearing, describeAuthProvider } from 'mcp-gateway/plugin/testing';
import { describe, expect, it } from 'vitest';
import { PortalTickets } from './index.js';
import { ticketFor } from './ticket.js';

const KEY = 'a key that is shared with the portal';
const setup = authSetup({
  provider: 'portal',
  authorization_servers: ['https://portal.example.com'],
  audience: ['mcp'],
  portal: { key: KEY },
});

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const ada = (more = {}) => ({ sub: 'ada', aud: 'mcp', exp: inAnHour(), groups: ['User'], ...more });
const GOOD = ticketFor(KEY, ada());

describeAuthProvider('portal tickets', () => ({
  provider: new PortalTickets(),
  setup,
  good: () => bearing(GOOD),
  bad: [
    bearing(ticketFor('another key that has 32 characters', ada())),
    bearing(ticketFor(KEY, ada({ exp: 1 }))),
    bearing(ticketFor(KEY, ada({ exp: undefined }))),
    bearing(ticketFor(KEY, ada({ aud: 'another service' }))),
    bearing(`${GOOD.slice(0, -1)}${GOOD.endsWith('A') ? 'Q' : 'A'}`),
  ],
}));

describe('a ticket', () => {
  it('brings the groups that permissions go by', () => {
    const outcome = new PortalTickets().open(setup).authenticate(bearing(GOOD));
    expect(outcome.principal.claims).toEqual({ groups: ['User'] });
  });

  it('for one endpoint is good there alone', () => {
    const aud = setup.resourceAt('/mcp/orders');
    const ticket = ticketFor(KEY, ada({ aud }));
    const desk = new PortalTickets().open(setup);
    expect(desk.authenticate(bearing(ticket, '/mcp/orders')).kind).toBe('ok');
    expect(desk.authenticate(bearing(ticket, '/mcp/other')).kind).toBe('denied');
  });
});
