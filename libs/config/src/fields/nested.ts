import { declare, type MapField, type SectionClass } from './field.js';

/** A mapping with a class of its own. */
export function Section(of: () => SectionClass, doc: string): PropertyDecorator {
  return declare({ kind: 'section', of, doc, required: false, nullable: false });
}

/** A mapping that is null unless given. */
export function OptionalSection(of: () => SectionClass, doc: string): PropertyDecorator {
  return declare({ kind: 'section', of, doc, required: false, nullable: true });
}

/** A list of mappings of one class. */
export function SectionList(of: () => SectionClass, doc: string): PropertyDecorator {
  return declare({ kind: 'list', of, doc, required: false });
}

/** Free keys, each with a mapping of one class. At run time an object without a prototype. */
export function SectionMap(
  of: () => SectionClass,
  options: { doc: string } & Pick<MapField, 'expand' | 'shorthand' | 'keyFlaw'>,
): PropertyDecorator {
  return declare({ kind: 'map', of, required: false, ...options });
}

/** A mapping whose `type` picks its class. */
export function Variant(
  variants: () => Readonly<Record<string, SectionClass>>,
  fallback: () => SectionClass,
  doc: string,
): PropertyDecorator {
  return declare({ kind: 'variant', variants, fallback, doc, required: false });
}
