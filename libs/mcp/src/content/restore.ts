import { BACKSLASH, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../json/bytes.js';
import { eachItem, eachMember } from '../json/members.js';
import { mayContain } from '../json/needles.js';
import type { Edit } from '../json/splice.js';
import { JsonView } from '../json/view.js';
import { hasScheme, MAX_URI_LENGTH } from '../names/uris.js';

const MAX_DEPTH = 8;
const NONE: readonly Edit[] = [];

/**
 * The reverse of exposing URIs, for tool and prompt arguments: a model that saw `fs+file:///a` hands it back. Finds
 * string values anywhere in `params.arguments` (depth <= 8, never keys) that are `<server>+` and an absolute URI, or
 * start with `ui://<server>+`, also in escaped spelling, and replaces those for which `restore` returns the upstream's
 * URI. Returns the edits that takes, without looking at single values when no candidate bytes occur.
 */
export function restoreArgumentUris(
  params: JsonView,
  server: string,
  restore: (exposed: string) => string | undefined,
): readonly Edit[] {
  const prefix = `${server}+`;
  const args = params.get('arguments');
  if (!args || !mayContain(args.raw(), `"${prefix}`, `/${prefix}`)) return NONE;
  const { bytes } = args;
  const uiPrefix = `ui://${prefix}`;
  const edits: Edit[] = [];

  const visit = (start: number, end: number, depth: number): void => {
    switch (bytes[start]) {
      case OPEN_BRACE:
        if (depth < MAX_DEPTH) {
          eachMember(bytes, start, end, (_keyStart, _keyEnd, valueStart, valueEnd) => {
            visit(valueStart, valueEnd, depth + 1);
            return true;
          });
        }
        return;
      case OPEN_BRACKET:
        if (depth < MAX_DEPTH) {
          eachItem(bytes, start, end, (itemStart, itemEnd) => visit(itemStart, itemEnd, depth + 1));
        }
        return;
      case QUOTE: {
        if (!mayStartWith(bytes, start, end, prefix) && !mayStartWith(bytes, start, end, uiPrefix)) return;
        const text = new JsonView(bytes, start, end).string() as string;
        if (text.length > MAX_URI_LENGTH + uiPrefix.length) return;
        const exposed = text.startsWith(prefix) ? hasScheme(text.slice(prefix.length)) : text.startsWith(uiPrefix);
        const original = exposed ? restore(text) : undefined;
        if (original !== undefined && original !== text) edits.push({ start, end, text: JSON.stringify(original) });
      }
    }
  };
  visit(args.start, args.end, 0);
  return edits;
}

/** Compares the spelling as it is; true as soon as an escape leaves it open. */
function mayStartWith(bytes: Buffer, start: number, end: number, prefix: string): boolean {
  for (let i = 0, at = start + 1; i < prefix.length; i++, at++) {
    const byte = bytes[at];
    if (byte === BACKSLASH) return true;
    if (at >= end - 1 || byte !== prefix.charCodeAt(i)) return false;
  }
  return true;
}
