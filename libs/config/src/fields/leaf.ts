import { Secret } from '#libs/kernel';
import { declare, type Flaw, type JsonSchema } from './field.js';
import { parseDuration, parseSize, showDuration, showSize } from './units.js';

export interface LeafOptions {
  doc: string;
  required?: boolean;
  /** May be null, which is also what an absent value means. */
  nullable?: boolean;
  /** May be absent without a default. */
  optional?: boolean;
}

export interface LeafKind {
  parse?(raw: unknown): unknown;
  /** What is wrong with a value that is neither null nor absent; undefined when nothing is. */
  flaws(value: unknown): readonly Flaw[] | string | undefined;
  schema: JsonSchema;
  show?(value: unknown): unknown;
  secret?: boolean;
  emptyIsDefault?: boolean;
}

/** The common part of every leaf: absence, null, and the shape of findings. */
export function leaf(options: LeafOptions, kind: LeafKind): PropertyDecorator {
  const { doc, required = false, nullable = false, optional = false } = options;
  return declare({
    kind: 'leaf',
    doc,
    required,
    nullable,
    emptyIsDefault: kind.emptyIsDefault ?? false,
    secret: kind.secret ?? false,
    parse: (raw) => (raw === null || raw === undefined ? raw : kind.parse ? kind.parse(raw) : raw),
    flaws: (value) => {
      if (value === undefined)
        return required ? [{ at: [], message: 'is required and not there; add it' }] : optional ? [] : emptyFlaw(kind);
      if (value === null) return nullable ? [] : emptyFlaw(kind);
      const found = kind.flaws(value) ?? [];
      return typeof found === 'string' ? [{ at: [], message: found }] : found;
    },
    schema: nullable ? { anyOf: [kind.schema, { type: 'null' }] } : kind.schema,
    show: (value) => (value === null || value === undefined ? value : kind.show ? kind.show(value) : value),
  });
}

function emptyFlaw(kind: LeafKind): readonly Flaw[] {
  const found = kind.flaws(undefined);
  return typeof found === 'string' ? [{ at: [], message: found }] : [{ at: [], message: 'needs a value' }];
}

/** Where a number, a switch or a unit stands, a whole `${VARIABLE}` may stand too. */
const REFERENCE: JsonSchema = { type: 'string', pattern: '^\\$\\{[^}]+\\}$' };

export interface TextOptions extends LeafOptions {
  pattern?: RegExp;
  /** The sentence for a text that does not fit `pattern`. */
  says?: string;
  flaw?: (value: string) => string | undefined;
  max?: number;
  schema?: JsonSchema;
}

export function textFlaw(
  value: unknown,
  options: Pick<TextOptions, 'pattern' | 'says' | 'flaw' | 'max'>,
): string | undefined {
  if (typeof value !== 'string')
    return typeof value === 'number' || typeof value === 'boolean'
      ? 'must be text: put quotes around it'
      : 'must be text';
  if (value.length > (options.max ?? 4096)) return `must not be longer than ${options.max ?? 4096} characters`;
  if (value.includes('\0')) return 'must not contain a NUL character';
  if (options.pattern && !options.pattern.test(value)) return options.says ?? `must match ${options.pattern.source}`;
  return options.flaw?.(value);
}

export function Text(options: TextOptions): PropertyDecorator {
  return leaf(options, { flaws: (value) => textFlaw(value, options), schema: { type: 'string', ...options.schema } });
}

export function Choice(
  choices: readonly string[],
  options: LeafOptions & { aliases?: Readonly<Record<string, string>> },
): PropertyDecorator {
  const shown = choices.join(', ');
  return leaf(options, {
    parse: (raw) => options.aliases?.[String(raw)] ?? raw,
    flaws: (value) => (choices.includes(value as string) ? undefined : `must be one of ${shown}`),
    schema: { anyOf: [{ enum: [...choices] }, REFERENCE] },
  });
}

export function Flag(options: LeafOptions): PropertyDecorator {
  return leaf(options, {
    parse: (raw) => (raw === 'true' ? true : raw === 'false' ? false : raw),
    flaws: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
    schema: { anyOf: [{ type: 'boolean' }, REFERENCE] },
  });
}

export function Count(options: LeafOptions & { min: number; max: number; fraction?: boolean }): PropertyDecorator {
  const { min, max, fraction = false } = options;
  const number = fraction ? 'a number' : 'a whole number';
  const text = fraction ? /^-?\d{1,12}(\.\d{1,6})?$/ : /^-?\d{1,15}$/;
  const fits = (value: unknown) =>
    typeof value === 'number' && (fraction ? Number.isFinite(value) : Number.isSafeInteger(value));
  return leaf(options, {
    parse: (raw) => (typeof raw === 'string' && text.test(raw) ? Number(raw) : raw),
    flaws: (value) =>
      fits(value) && Number(value) >= min && Number(value) <= max
        ? undefined
        : `must be ${number} from ${min} to ${max}`,
    schema: { anyOf: [{ type: fraction ? 'number' : 'integer', minimum: min, maximum: max }, REFERENCE] },
  });
}

/** Milliseconds at run time; `30s` in the file. Bounds are written the same way. */
export function Duration(options: LeafOptions & { min: string; max: string }): PropertyDecorator {
  const min = parseDuration(options.min === '0' ? 0 : options.min) ?? 0;
  const max = parseDuration(options.max) ?? Number.MAX_SAFE_INTEGER;
  return leaf(options, {
    // a bare number would pass for milliseconds later on
    parse: (raw) => parseDuration(raw) ?? (typeof raw === 'number' ? Number.NaN : raw),
    flaws: (value) =>
      typeof value === 'number' && value >= min && value <= max
        ? undefined
        : `must be a duration like 500ms, 30s, 5m or 1h, from ${options.min} to ${options.max}`,
    schema: {
      anyOf: [{ type: 'string', pattern: '^[0-9]+(ms|s|m|h)$' }, ...(min === 0 ? [{ const: 0 }] : []), REFERENCE],
    },
    show: (value) => showDuration(value as number),
  });
}

/** Bytes at run time; `4MiB` (or a plain number of bytes) in the file. */
export function Size(options: LeafOptions & { min: string; max: string }): PropertyDecorator {
  const min = parseSize(options.min) ?? 0;
  const max = parseSize(options.max) ?? Number.MAX_SAFE_INTEGER;
  return leaf(options, {
    parse: (raw) => parseSize(raw) ?? raw,
    flaws: (value) =>
      typeof value === 'number' && value >= min && value <= max
        ? undefined
        : `must be a size like 512KiB or 4MiB, from ${options.min} to ${options.max}`,
    schema: {
      anyOf: [{ type: 'string', pattern: '^[0-9]+(B|KiB|MiB|GiB)?$' }, { type: 'integer', minimum: 0 }, REFERENCE],
    },
    show: (value) => showSize(value as number),
  });
}

export interface SecretOptions extends LeafOptions {
  flaw?: (value: string) => string | undefined;
}

/** A value that is never printed. The file should say where it is (`${NAME}`, `${file:…}`), not what it is. */
export function SecretText(options: SecretOptions): PropertyDecorator {
  return leaf(options, {
    parse: (raw) => (typeof raw === 'string' ? new Secret(raw) : raw),
    flaws: (value) => secretFlaw(value, options.flaw),
    schema: { type: 'string', minLength: 1 },
    secret: true,
  });
}

/** Values that stand in examples, and that everybody knows. */
const PLACEHOLDER = /^(?:change[-_]?me|secret-api-key|your[-_])/i;

export function secretFlaw(value: unknown, flaw?: (value: string) => string | undefined): string | undefined {
  if (!(value instanceof Secret)) return textFlaw(value, {}) ?? 'must be text';
  const revealed = value.reveal();
  if (revealed === '') return 'must not be empty';
  if (PLACEHOLDER.test(revealed)) return 'is a placeholder; put the real value in its place';
  return textFlaw(revealed, { max: 64 * 1024 }) ?? flaw?.(revealed);
}
