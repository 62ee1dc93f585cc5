import { isObject, messageOf } from '#libs/kernel';

/** Problem with what was typed; the message is a sentence for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Schema = Readonly<Record<string, unknown>>;

/**
 * Turns `k=v` words into the arguments of a tool. The tool's input schema says what a value is; without one a value is
 * JSON where it parses as JSON, else text. A key that is given twice makes a list.
 * @throws UsageError
 */
export function parseArguments(words: readonly string[], inputSchema: unknown, json?: string): Record<string, unknown> {
  const root = isObject(inputSchema) ? inputSchema : {};
  const args: Record<string, unknown> = json === undefined ? {} : parseObject(json, '--json');
  const given = new Set<string>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new UsageError(`'${word}' is not an argument; write name=value`);
    const name = word.slice(0, at);
    const schema = resolve(root, propertyOf(root, name));
    const value = parseValue(name, word.slice(at + 1), schema, root);
    define(args, name, given.has(name) ? again(args[name], value) : value);
    given.add(name);
  }
  return args;
}

function parseValue(name: string, text: string, schema: Schema | undefined, root: Schema): unknown {
  if (schema === undefined) return guess(text);
  if (Array.isArray(schema['enum'])) return fromEnum(name, text, schema['enum']);
  const branches = alternatives(schema, root);
  if (branches.length > 1) return parseUnion(name, text, branches, root);
  switch (schema['type'] ?? branches[0]?.['type']) {
    case 'string':
      return text;
    case 'number':
    case 'integer':
      return parseNumber(name, text);
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new UsageError(`${name} must be true or false, not '${text}'`);
    case 'null':
      if (text === 'null' || text === '') return null;
      throw new UsageError(`${name} must be null, not '${text}'`);
    case 'object':
      return parseObject(text, name);
    case 'array':
      return parseList(name, text, schema, root);
    default:
      return guess(text);
  }
}

function parseNumber(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new UsageError(`${name} must be a number, not '${text}'`);
  return number;
}

/** `[…]` is JSON; anything else is a list with commas. */
function parseList(name: string, text: string, schema: Schema, root: Schema): unknown[] {
  if (text.trimStart().startsWith('[')) {
    const list = parseJson(text, name);
    if (Array.isArray(list)) return list;
  }
  if (text === '') return [];
  const items = isObject(schema['items']) ? resolve(root, schema['items']) : undefined;
  return text.split(',').map((item) => parseValue(name, item, items, root));
}

/** The first alternative that takes the text; text itself is the last resort. */
function parseUnion(name: string, text: string, branches: readonly Schema[], root: Schema): unknown {
  const textLast = [...branches].sort((a, b) => Number(a['type'] === 'string') - Number(b['type'] === 'string'));
  let refusal: unknown;
  for (const branch of textLast) {
    try {
      return parseValue(name, text, branch, root);
    } catch (thrown) {
      refusal = thrown;
    }
  }
  throw refusal;
}

function fromEnum(name: string, text: string, allowed: readonly unknown[]): unknown {
  const found = allowed.find((value) => value === text) ?? allowed.find((value) => String(value) === text);
  if (found === undefined) throw new UsageError(`${name} must be one of ${allowed.join(', ')}, not '${text}'`);
  return found;
}

function alternatives(schema: Schema, root: Schema): readonly Schema[] {
  const { type } = schema;
  if (Array.isArray(type)) return type.map((one) => ({ ...schema, type: one }));
  const branches = schema['anyOf'] ?? schema['oneOf'];
  return Array.isArray(branches) ? branches.filter(isObject).map((branch) => resolve(root, branch) ?? branch) : [];
}

function propertyOf(root: Schema, name: string): Schema | undefined {
  const { properties } = root;
  if (!isObject(properties) || !Object.hasOwn(properties, name)) return undefined;
  const property = properties[name];
  return isObject(property) ? property : undefined;
}

/** Follows local references, at most a few: a schema is a stranger's text. */
function resolve(root: Schema, schema: Schema | undefined): Schema | undefined {
  let current = schema;
  for (let hop = 0; hop < 8 && typeof current?.['$ref'] === 'string'; hop += 1) {
    const path = current['$ref'].match(/^#\/(.+)$/)?.[1]?.split('/') ?? [];
    let target: unknown = path.length > 0 ? root : undefined;
    for (const step of path) target = isObject(target) && Object.hasOwn(target, step) ? target[step] : undefined;
    current = isObject(target) ? target : undefined;
  }
  return current;
}

function guess(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parseObject(text: string, name: string): Record<string, unknown> {
  const value = parseJson(text, name);
  if (!isObject(value)) throw new UsageError(`${name} must be a JSON object, e.g. '{"a":1}'`);
  return { ...value };
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new UsageError(`${name} is not valid JSON: ${messageOf(thrown)}`);
  }
}

function again(before: unknown, value: unknown): unknown[] {
  return [...(Array.isArray(before) ? before : [before]), ...(Array.isArray(value) ? value : [value])];
}

/** Also for a name like `__proto__`, which is an argument like any other. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
