import fc from 'fast-check';

/** Names a reader of messages looks for, and what imitates them. */
export const KEYS = [
  ...['jsonrpc', 'id', 'method', 'params', 'result', 'error', 'name', 'arguments', 'uri', 'cursor', '_meta', 'ref'],
  ...['requestState', 'inputResponses', 'notifications', 'progressToken', 'protocolVersion', 'capabilities', 'content'],
  ...['io.modelcontextprotocol/protocolVersion', 'io.modelcontextprotocol/clientCapabilities', 'traceparent'],
  ...['Method', 'METHOD', 'name\0', 'na\u200bme', 'param\u017f', '\u212aey', 'Id', 'IO.modelcontextprotocol/x'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', ' ', 'a', 'b', 'c'],
];

const character = fc.oneof(
  { weight: 6, arbitrary: fc.string({ minLength: 1, maxLength: 1 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\u0000', '\u001f', '"', '\\', '/', '\u2028', '\ud800', '\u{1f600}', 'é', '\u202e'),
  },
);
const rawString = fc.array(character, { maxLength: 12 }).map((characters) => characters.join(''));

/** A JSON string as one of many that mean the same. */
function spelled(value: string, how: number): string {
  if (how === 0) return JSON.stringify(value);
  const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at).toString(16).padStart(4, '0'));
  if (how === 1) return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
  // only the first character in disguise
  const quoted = JSON.stringify(value.slice(1));
  return value === '' ? '""' : `"\\u${units[0]}${quoted.slice(1)}`;
}

const how = fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 2) });
const text = fc.tuple(rawString, how).map(([value, way]) => spelled(value, way));
const key = fc
  .tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: rawString }), how)
  .map(([value, way]) => spelled(value, way));
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('-0', '1e308', '1E400', '9007199254740993', '0.1e-7', '-1', '01', '+1', '.5', '1.', 'NaN', '0x1'),
);
const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n', '\u00a0', '\f');
const scalar = fc.oneof(text, number, fc.constantFrom('true', 'false', 'null', 'nul', 'True', 'undefined'));

const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, scalar, tie('object'), tie('array')),
  array: fc.tuple(space, fc.array(tie('value'), { maxLength: 4 })).map(([gap, items]) => `[${items.join(`,${gap}`)}]`),
  object: fc
    .tuple(space, fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }))
    .map(([gap, members]) => `{${gap}${members.map(([name, it]) => `${name}:${gap}${it}`).join(',')}}`),
}));

/** JSON text, or nearly: keys that repeat or are disguised, numbers and spaces that are none. */
export const jsonText: fc.Arbitrary<string> = value;

/** Any depth and any number of values, in a few bytes each. */
export const deepJson: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('[', '{"a":', '[[],', '{"":{},"a":'), fc.integer({ min: 0, max: 200 }), fc.boolean())
  .map(([open, depth, closed]) => {
    const close = open.startsWith('[') ? ']' : '}';
    return `${open.repeat(depth)}1${closed ? close.repeat(depth) : ''}`;
  });

/** Values for JSON.stringify: always good. */
export const jsonValue: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 4 });
