import 'reflect-metadata';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import type { Path } from '../load/path.js';
import type { TreeMap } from '../yaml/tree.js';

// biome-ignore lint/suspicious/noExplicitAny: sections differ in everything but having no constructor arguments
export type SectionClass = new () => any;
export type JsonSchema = { [keyword: string]: unknown };

/** Something wrong inside a value, at a place below it. */
export interface Flaw {
  readonly at: Path;
  readonly message: string;
}

interface FieldBase {
  /** One or two sentences for the schema and the docs: meaning, unit, what the default does. */
  readonly doc: string;
  /** There is no default and it must be given. */
  readonly required: boolean;
}

/** A field whose value is read by a function. */
export interface LeafField extends FieldBase {
  readonly kind: 'leaf';
  /** From the parsed file to the run-time value. What it cannot read it returns as it is; `flaws` then says why. */
  parse(raw: unknown): unknown;
  flaws(value: unknown): readonly Flaw[];
  /** `null` is a value of its own, not "use the default". */
  readonly nullable: boolean;
  /** Empty YAML (`deny:`) means the default. */
  readonly emptyIsDefault: boolean;
  readonly secret: boolean;
  readonly schema: JsonSchema;
  /** The run-time value as one would write it in the file. */
  show(value: unknown): unknown;
}

/** A mapping with its own class. */
export interface SectionField extends FieldBase {
  readonly kind: 'section';
  readonly of: () => SectionClass;
  /** Absent (null) unless given. */
  readonly nullable: boolean;
}

/** A list of mappings. */
export interface ListField extends FieldBase {
  readonly kind: 'list';
  readonly of: () => SectionClass;
}

/** Free keys, each with a mapping of one class. */
export interface MapField extends FieldBase {
  readonly kind: 'map';
  readonly of: () => SectionClass;
  /** Turns a shorter way of writing an entry into the mapping. */
  readonly expand?: (raw: unknown) => unknown;
  readonly shorthand?: JsonSchema;
  readonly keyFlaw?: (key: string) => string | undefined;
}

/** A mapping whose `type` decides its class. */
export interface VariantField extends FieldBase {
  readonly kind: 'variant';
  readonly variants: () => Readonly<Record<string, SectionClass>>;
  /** For types the gateway does not know by itself (plug-ins). */
  readonly fallback: () => SectionClass;
}

export type Field = LeafField | SectionField | ListField | MapField | VariantField;

const FIELDS = new WeakMap<object, Map<string, Field>>();
const EXTRAS = new WeakMap<object, ExtraKeys>();

/** What a section does with keys its class does not have. */
export interface ExtraKeys {
  accepts(key: string, own: TreeMap, parent: TreeMap): boolean;
  /** Texts whose key says that they are secret become Secrets. */
  readonly seal: boolean;
  /** What the JSON Schema says of them. */
  readonly schema: JsonSchema | true;
}

/** The fields of a section class, in the order they are written there. */
export function fieldsOf(section: SectionClass): ReadonlyMap<string, Field> {
  return FIELDS.get(section.prototype) ?? new Map();
}

export function extraKeysOf(section: SectionClass): ExtraKeys | undefined {
  return EXTRAS.get(section.prototype);
}

/** Lets a section take keys beyond its fields, e.g. those a plug-in defines. */
export function AcceptsExtra(accepts: ExtraKeys['accepts'], options: Partial<ExtraKeys> = {}): ClassDecorator {
  return (target) => {
    EXTRAS.set(target.prototype, { accepts, seal: true, schema: true, ...options });
  };
}

/** Records a field; a leaf also gets its class-transformer and class-validator decorators. */
export function declare(field: Field): PropertyDecorator {
  return (target, property) => {
    const fields = FIELDS.get(target) ?? new Map<string, Field>();
    fields.set(String(property), field);
    FIELDS.set(target, fields);
    if (field.kind !== 'leaf') return;
    // `obj` is the source: by the time `value` arrives, class-transformer has copied it once.
    Transform(({ obj, key, value }) => (value === undefined ? value : field.parse(obj[key])))(target, property);
    ValidateBy({
      name: 'configured',
      validator: {
        validate: (value) => field.flaws(value).length === 0,
        defaultMessage: (args) => field.flaws(args?.value)[0]?.message ?? 'is not valid',
      },
    })(target, property);
  };
}
