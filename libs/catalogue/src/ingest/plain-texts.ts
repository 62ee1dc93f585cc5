import { type Edit, JsonView, splice } from '#libs/mcp';

/** Deeper than any real schema. */
const MAX_DEPTH = 64;

const TEXTS: ReadonlySet<string> = new Set(['title', 'description']);

// As they stand in JSON text read byte by byte: tag characters, and escapes of those and of control characters.
const SUSPICIOUS = /\xf3\xa0[\x80\x81]|\\u(?:db40|00[01][0-9a-f]|007f|00[89][0-9a-f])/i;
/** Tag characters spell text that models read and people do not see. */
const HIDDEN = /[\u{e0000}-\u{e007f}]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

export interface PlainItem {
  readonly item: JsonView;
  readonly repairs: readonly string[];
  /** Its description was too long. */
  readonly cut: boolean;
}

/**
 * An item whose titles and descriptions, of schemas and their properties too, say only what people can read, and whose
 * own description has at most `longest` bytes (T120). What they say stays: it is data, for whoever asked for the list.
 */
export function withPlainTexts(item: JsonView, longest: number): PlainItem {
  const edits: Edit[] = [];
  const repairs: string[] = [];
  const own = item.end - item.start > longest ? item.get('description') : undefined;
  const long = own?.type === 'string' && Buffer.byteLength(own.string() ?? '') > longest;
  if (own && long) {
    const text = shortened(plain(own.string() ?? ''), longest);
    edits.push({ start: own.start, end: own.end, text: JSON.stringify(text) });
    repairs.push(`description cut after ${longest} bytes`);
  }
  if (SUSPICIOUS.test(item.bytes.toString('latin1', item.start, item.end))) {
    const before = edits.length;
    collect(item, own && long ? own.start : -1, edits, 0);
    if (edits.length > before) repairs.push('invisible and control characters taken out of titles and descriptions');
  }
  if (edits.length === 0) return { item, repairs, cut: long };
  return { item: JsonView.of(splice(item.bytes, edits, item)), repairs, cut: long };
}

/** `done`: where the text starts that is being replaced already. */
function collect(view: JsonView, done: number, edits: Edit[], depth: number): void {
  if (depth > MAX_DEPTH) return;
  if (view.type === 'array') {
    for (const item of view.items()) collect(item, done, edits, depth + 1);
    return;
  }
  if (view.type !== 'object') return;
  for (const { key, value } of view.members()) {
    if (value.type !== 'string') collect(value, done, edits, depth + 1);
    else if (TEXTS.has(key) && value.start !== done) {
      const text = value.string() ?? '';
      const clean = plain(text);
      if (clean !== text) edits.push({ start: value.start, end: value.end, text: JSON.stringify(clean) });
    }
  }
}

function plain(text: string): string {
  return text.replace(HIDDEN, '').replace(CONTROL, '');
}

function shortened(text: string, longest: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= longest) return text;
  let end = longest - 3;
  // Not within a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}…`;
}
