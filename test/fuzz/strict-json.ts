/** What an independent and unhurried reader makes of bytes. */
export interface StrictRead {
  readonly value: unknown;
  readonly depth: number;
  /** Objects, arrays and scalars. */
  readonly nodes: number;
  /** Some object has a key, decoded, twice. */
  readonly repeats: boolean;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads JSON as RFC 8259 has it; undefined for what is none. The platform's parser decides, a second pass counts. */
export function readStrictly(bytes: Buffer): StrictRead | undefined {
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    return { value, ...count(text) };
  } catch {
    return undefined;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gy;

/** Walks over text that is known to be JSON. */
function count(text: string): Omit<StrictRead, 'value'> {
  const open: (Set<string> | undefined)[] = [];
  let [depth, nodes, repeats] = [0, 0, false];
  let last = '';
  const tokens = text.replace(/^\s+/, '');
  TOKEN.lastIndex = 0;
  for (let at = 0; at < tokens.length; ) {
    TOKEN.lastIndex = at;
    const [token = ''] = TOKEN.exec(tokens) ?? [];
    if (token === '') {
      at++;
      continue;
    }
    at = TOKEN.lastIndex;
    const keys = open.at(-1);
    if (token === '{' || token === '[') {
      nodes++;
      open.push(token === '{' ? new Set() : undefined);
      depth = Math.max(depth, open.length);
    } else if (token === '}' || token === ']') open.pop();
    else if (keys && (last === '{' || last === ',')) {
      const key = JSON.parse(token) as string;
      repeats ||= keys.has(key);
      keys.add(key);
    } else if (token !== ',' && token !== ':') nodes++;
    last = token;
  }
  return { depth, nodes, repeats };
}
