import { fileURLToPath } from 'node:url';

const fixture = (name) => fileURLToPath(new URL(`../fixtures/conformance-server/${name}`, import.meta.url));
const LEGACY = [fixture('server.mjs'), '--http', '--resumable'];
/** One spelling of the fixture's tools that a client of either era can be asked with, directly or across eras. */
const dual = (era) => [fixture('dual.mjs'), '--http', '--resumable', '--mrtr-tools', '--session-caps', '--era', era];

/**
 * The four ways a client and an upstream can meet. `direct` is the yardstick: the same fixture, spoken to in the client's
 * era. `left` names what a bridge between eras cannot do: the suite wants its own key for a question, which a legacy
 * server never gave one, and an error code where a legacy tool can only say that it failed.
 */
export const CELLS = {
  ll: {
    title: 'legacy client -> legacy upstream',
    revision: '2025-11-25',
    protocol: 'legacy',
    direct: LEGACY,
    upstream: LEGACY,
    same: true,
  },
  mm: {
    title: 'modern client -> modern upstream',
    revision: '2026-07-28',
    protocol: 'modern',
    direct: dual('dual'),
    upstream: dual('modern'),
    same: true,
    asDirect: ['http-header-validation', 'http-custom-header-server-validation'],
  },
  lm: {
    title: 'legacy client -> modern upstream',
    revision: '2025-11-25',
    protocol: 'modern',
    direct: dual('dual'),
    upstream: dual('modern'),
  },
  ml: {
    title: 'modern client -> legacy upstream',
    revision: '2026-07-28',
    protocol: 'legacy',
    direct: dual('dual'),
    upstream: dual('legacy'),
    left: ['server-stateless', 'input-required-result-basic-elicitation'],
  },
};
