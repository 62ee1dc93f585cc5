/** What the upstream needs of a request. */
export interface Message {
  readonly id: number | string | undefined;
  readonly method: string;
  readonly tool: string | undefined;
  readonly meta: Record<string, unknown>;
  /** JSON of `params.arguments.text`, quotes included. */
  readonly text: Buffer;
}

interface Parsed {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { name?: string; arguments?: { text?: unknown }; _meta?: Record<string, unknown> };
}

/** Above this size the text is cut out first: parsing a megabyte to echo it would make the upstream the slowest part. */
const SMALL = 4 * 1024;
const MARK = Buffer.from('"text":"');
const EMPTY = Buffer.from('""');
const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** @throws SyntaxError */
export function readMessage(body: Buffer): Message {
  if (body.length > SMALL) {
    const text = plainText(body);
    if (text) {
      const rest = Buffer.concat([body.subarray(0, text.start), EMPTY, body.subarray(text.end)]);
      return { ...outline(JSON.parse(rest.toString()) as Parsed), text: body.subarray(text.start, text.end) };
    }
  }
  const parsed = JSON.parse(body.toString()) as Parsed;
  return { ...outline(parsed), text: Buffer.from(JSON.stringify(parsed.params?.arguments?.text ?? null)) };
}

function outline({ id, method = '', params }: Parsed): Omit<Message, 'text'> {
  return { id, method, tool: params?.name, meta: params?._meta ?? {} };
}

/** Where the text's JSON lies, as long as nothing in it is escaped. */
function plainText(body: Buffer): { start: number; end: number } | undefined {
  const at = body.indexOf(MARK);
  if (at < 0) return undefined;
  const start = at + MARK.length - 1;
  const end = body.indexOf(QUOTE, start + 1) + 1;
  const backslash = body.indexOf(BACKSLASH, start);
  return end === 0 || (backslash >= 0 && backslash < end) ? undefined : { start, end };
}
