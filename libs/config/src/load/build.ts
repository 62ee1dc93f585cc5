import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import {
  extraKeysOf,
  type Field,
  fieldsOf,
  type LeafField,
  type MapField,
  type SectionClass,
  type VariantField,
} from '../fields/field.js';
import { isTreeMap, kindOf, type Tree, type TreeMap } from '../yaml/tree.js';
import { nearest } from './nearest.js';
import { type Path, showPath } from './path.js';
import type { Findings } from './problems.js';
import { sealSecrets } from './seal-secrets.js';

/** Where values came from, as far as the builder has to know. */
export interface Origins {
  /** The `${…}` references of a scalar; empty when it was written as it is. */
  references(path: Path): readonly string[];
  /** Inline secrets deserve a warning: true for files, false for settings made by a program. */
  readonly warnInline: boolean;
}

/**
 * Turns a parsed tree into instances of the section classes: class-transformer reads the leaves, class-validator judges
 * them, and this walk does what neither can: unknown keys with the nearest known one, paths into maps and variants, and
 * defaults in place of what was refused, so that later checks can still run.
 */
export class Builder {
  constructor(
    private readonly findings: Findings,
    private readonly origins: Origins,
    private readonly root: SectionClass,
  ) {}

  build<T>(section: new () => T, raw: Tree | undefined, path: Path = [], parent: TreeMap = {}): T {
    const map = this.#asMap(raw, path);
    const fields = fieldsOf(section);
    const extraKeys = extraKeysOf(section);
    const plain: Record<string, unknown> = {};
    const extras: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(map)) {
      const field = fields.get(key);
      if (field?.kind === 'leaf') {
        if (value !== null || !field.emptyIsDefault) plain[key] = value;
      } else if (!field && extraKeys?.accepts(key, map, parent)) extras[key] = value;
      else if (!field) this.#unknown(section, key, path);
    }
    const instance = plainToInstance(section, plain, { exposeDefaultValues: true }) as T & Record<string, unknown>;
    this.#judge(section, instance, map, path);
    for (const [key, field] of fields) {
      if (field.kind === 'leaf') continue;
      const child = map[key];
      if (child !== undefined && child !== null)
        Object.assign(instance, { [key]: this.#nested(field, child, [...path, key], map) });
    }
    for (const [key, value] of Object.entries(extras)) {
      const keep = extraKeys?.seal ? sealSecrets(value as Tree, [...path, key], (at) => this.#inline(at)) : value;
      Object.assign(instance, { [key]: keep });
    }
    return instance;
  }

  #nested(field: Exclude<Field, LeafField>, raw: Tree, path: Path, parent: TreeMap): unknown {
    switch (field.kind) {
      case 'section':
        return this.build(field.of(), raw, path, parent);
      case 'list':
        if (Array.isArray(raw)) return raw.map((item, index) => this.build(field.of(), item, [...path, index], parent));
        this.findings.problem(path, `must be a list (each entry starts with "- "), not ${kindOf(raw)}`);
        return [];
      case 'map':
        return this.#map(field, raw, path, parent);
      case 'variant':
        return this.#variant(field, raw, path, parent);
    }
  }

  #map(field: MapField, raw: Tree, path: Path, parent: TreeMap): unknown {
    const built = Object.create(null) as Record<string, unknown>;
    for (const [key, value] of Object.entries(this.#asMap(raw, path))) {
      const flaw = field.keyFlaw?.(key);
      if (flaw) this.findings.problem([...path, key], flaw, 'key');
      else built[key] = this.build(field.of(), (field.expand?.(value) ?? value) as Tree, [...path, key], parent);
    }
    return built;
  }

  #variant(field: VariantField, raw: Tree, path: Path, parent: TreeMap): unknown {
    const type = isTreeMap(raw) ? raw['type'] : undefined;
    const variants = field.variants();
    if (typeof type === 'string') {
      return this.build(
        Object.hasOwn(variants, type) ? (variants[type] as SectionClass) : field.fallback(),
        raw,
        path,
        parent,
      );
    }
    if (isTreeMap(raw)) {
      const known = Object.keys(variants).join(', ');
      this.findings.problem(
        [...path, 'type'],
        type === undefined ? `is required (${known})` : `must be text, one of ${known}`,
      );
    } else this.#asMap(raw, path);
    return this.build(variants['none'] as SectionClass, undefined, path, parent);
  }

  #asMap(raw: Tree | undefined, path: Path): TreeMap {
    if (raw === undefined || raw === null) return {};
    if (isTreeMap(raw)) return raw;
    this.findings.problem(path, `must be a mapping (key: value), not ${kindOf(raw)}`);
    return {};
  }

  /** Reports the leaves class-validator refused and puts their defaults back. */
  #judge(section: SectionClass, instance: object, map: TreeMap, path: Path): void {
    const values = instance as Record<string, unknown>;
    const fields = fieldsOf(section);
    for (const { property } of validateSync(instance, { forbidUnknownValues: false })) {
      const field = fields.get(property);
      if (field?.kind !== 'leaf') continue;
      for (const { at, message } of field.flaws(values[property]))
        this.#refuse(field, map[property], [...path, property], at, message);
      values[property] = new section()[property];
    }
    for (const [key, field] of fields) {
      if (field.kind !== 'leaf' || !field.secret) continue;
      const raw = map[key];
      if (typeof raw === 'string') this.#inline([...path, key]);
      if (Array.isArray(raw)) for (const index of raw.keys()) this.#inline([...path, key, index]);
    }
  }

  #refuse(field: LeafField, raw: Tree | undefined, path: Path, at: Path, message: string): void {
    const place = [...path, ...at];
    const references = this.origins.references(place);
    if (references.length > 0) {
      this.findings.problem(place, `${message} (it comes from ${references.join(' ')})`);
      return;
    }
    const value = at.reduce<unknown>(
      (inner, part) => (inner as Record<string | number, unknown> | undefined)?.[part],
      raw,
    );
    const show = !field.secret && value !== undefined && message.startsWith('must ') && value !== '';
    this.findings.problem(place, show ? `${message}, not ${kindOf(value)}` : message);
  }

  #inline(path: Path): void {
    if (!this.origins.warnInline || this.origins.references(path).length > 0 || !this.findings.sound(path)) return;
    this.findings.warning(path, 'a secret stands in the file itself; better ${NAME} or ${file:/run/secrets/name}');
  }

  #unknown(section: SectionClass, key: string, path: Path): void {
    const place = [...path, key];
    const similar = nearest(key, fieldsOf(section).keys());
    const elsewhere = findKey(this.root, key);
    const meant = [...new Set([similar, elsewhere].filter((guess) => guess !== undefined))].join(' or ');
    this.findings.problem(
      place,
      `unknown key${meant ? `; did you mean ${meant}?` : `; known here: ${[...fieldsOf(section).keys()].join(', ')}`}`,
      'key',
    );
  }
}

/** The full path of a key that exists in some other section. */
function findKey(section: SectionClass, key: string, path: Path = [], depth = 0): string | undefined {
  for (const [name, field] of fieldsOf(section)) {
    if (name === key) return showPath([...path, name]).slice(2);
    if (field.kind !== 'section' || depth > 3) continue;
    const found = findKey(field.of(), key, [...path, name], depth + 1);
    if (found) return found;
  }
  return undefined;
}
