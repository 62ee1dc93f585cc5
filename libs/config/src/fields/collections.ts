import { Secret } from '#libs/kernel';
import { isTreeMap } from '../yaml/tree.js';
import type { Flaw, JsonSchema } from './field.js';
import { type LeafOptions, leaf, secretFlaw, type TextOptions, textFlaw } from './leaf.js';

export interface TextListOptions extends LeafOptions, Pick<TextOptions, 'pattern' | 'says' | 'flaw' | 'schema'> {
  max?: number;
  unique?: boolean;
  /** Brings an entry into its one spelling, e.g. lower case. */
  normalise?: (entry: string) => string;
}

/** A list of texts. */
export function TextList(options: TextListOptions): PropertyDecorator {
  return leaf(options, {
    parse: (raw) =>
      Array.isArray(raw) && options.normalise
        ? raw.map((entry) => (typeof entry === 'string' ? options.normalise?.(entry) : entry))
        : raw,
    flaws: (value) => listFlaws(value, options),
    schema: { type: 'array', items: { type: 'string', ...options.schema } },
    emptyIsDefault: true,
  });
}

function listFlaws(value: unknown, options: TextListOptions): readonly Flaw[] {
  if (!Array.isArray(value)) return [{ at: [], message: 'must be a list' }];
  const max = options.max ?? 1000;
  if (value.length > max) return [{ at: [], message: `must not have more than ${max} entries` }];
  return value.flatMap((entry, index) => {
    const again = options.unique !== false && value.indexOf(entry) !== index ? 'stands in this list twice' : undefined;
    const message = textFlaw(entry, { ...options, max: 4096 }) ?? again;
    return message ? [{ at: [index], message }] : [];
  });
}

/** A list of secrets. */
export function SecretList(options: LeafOptions & { flaw?: (value: string) => string | undefined }): PropertyDecorator {
  return leaf(options, {
    parse: (raw) =>
      Array.isArray(raw) ? raw.map((entry) => (typeof entry === 'string' ? new Secret(entry) : entry)) : raw,
    flaws: (value) => {
      if (!Array.isArray(value)) return 'must be a list';
      return value.flatMap((entry, index) => {
        const message = secretFlaw(entry, options.flaw);
        return message ? [{ at: [index], message }] : [];
      });
    },
    schema: { type: 'array', items: { type: 'string', minLength: 1 } },
    secret: true,
    emptyIsDefault: true,
  });
}

export interface EntriesOptions extends LeafOptions {
  keyFlaw?: (key: string) => string | undefined;
  valueFlaws: (value: unknown) => readonly Flaw[] | string | undefined;
  valueSchema: JsonSchema;
}

/** Free keys with values of one kind. At run time an object without a prototype. */
export function Entries(options: EntriesOptions): PropertyDecorator {
  return leaf(options, {
    parse: (raw) => (isTreeMap(raw) ? Object.assign(Object.create(null), raw) : raw),
    flaws: (value) => {
      if (!isTreeMap(value)) return 'must be a mapping';
      return Object.entries(value).flatMap(([key, entry]) => {
        const badKey = options.keyFlaw?.(key);
        if (badKey) return [{ at: [key], message: badKey }];
        const found = options.valueFlaws(entry) ?? [];
        const flaws = typeof found === 'string' ? [{ at: [], message: found }] : found;
        return flaws.map(({ at, message }) => ({ at: [key, ...at], message }));
      });
    },
    schema: { type: 'object', additionalProperties: options.valueSchema },
    emptyIsDefault: true,
  });
}

/** What `Entries` needs when its values are lists of texts. */
export function textListValues(
  options: Pick<TextListOptions, 'pattern' | 'says' | 'flaw' | 'schema'>,
): Pick<EntriesOptions, 'valueFlaws' | 'valueSchema'> {
  return {
    valueFlaws: (value) => listFlaws(value, { doc: '', ...options }),
    valueSchema: { type: 'array', items: { type: 'string', ...options.schema } },
  };
}
