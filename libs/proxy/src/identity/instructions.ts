import type { Endpoint, Spelling } from '#libs/kernel';
import type { Listing } from '#libs/mcp';

const MAX_CHARS = 8 * 1024;

/**
 * One upstream's instructions stay as they are. Of several, each non-empty text stands under its server's name, and the
 * naming scheme is said once. Cut at 8 Ki characters with a note.
 */
export function mergeInstructions(
  endpoint: Endpoint,
  spelling: Spelling,
  listings: readonly Listing[],
): string | undefined {
  if (endpoint.kind === 'server') return listings[0]?.instructions;
  const texts = listings.filter((listing) => listing.instructions?.trim());
  if (texts.length === 0) return undefined;
  const intro = `Tools and prompts of several servers, named <server>${spelling.separator}<name>; resource URIs start with <server>+.`;
  const sections = texts.map((listing) => `## ${listing.server}\n\n${listing.instructions?.trim()}`);
  const whole = [intro, ...sections].join('\n\n');
  return whole.length <= MAX_CHARS ? whole : `${whole.slice(0, MAX_CHARS)}\n\n[cut]`;
}
