import type { AuthSetup } from '#libs/plugin';
import { shown } from '../shown.js';

/** Where a token is good: at every endpoint, or at those whose own resource identifier it names. */
export interface Reach {
  readonly everywhere: boolean;
  readonly audiences: readonly string[];
}

/**
 * How far a token with these audiences reaches (RS-24). The resource of the main endpoint and everything configured count
 * for all endpoints; the resource of one endpoint counts for that one alone. Exact comparison, never a prefix.
 */
export function reachOf(audiences: readonly string[], setup: AuthSetup, accepted: readonly string[]): Reach {
  const good = (audience: string) =>
    audience === setup.resource || setup.audience.includes(audience) || accepted.includes(audience);
  return { everywhere: audiences.some(good), audiences };
}

/** Whether a token may be used at what a request line names. */
export function reaches({ everywhere, audiences }: Reach, setup: AuthSetup, target: string): boolean {
  return everywhere || audiences.includes(setup.resourceAt(target));
}

/** For the operator: what the token is for, what it should be for, and where to say otherwise. */
export function audienceRefusal({ audiences }: Reach, setup: AuthSetup, target: string): string {
  const carried = audiences.length === 0 ? 'none' : audiences.slice(0, 5).map(shown).join(', ');
  const wanted = [...new Set([setup.resourceAt(target), setup.resource, ...setup.audience])].map(shown).join(', ');
  return `its audience is ${carried}, and accepted are ${wanted}; oauth.audience in the configuration adds to these`;
}
