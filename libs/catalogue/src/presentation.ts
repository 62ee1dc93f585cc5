import { compileSelection } from '#libs/kernel';
import { editMembers, JsonView, splice } from '#libs/mcp';
import type { Quarantined } from './contract.js';
import { digestOf, type Intake, type IntakeItem } from './ingest/ingest.js';
import { printable } from './ingest/text.js';
import type { CatalogueServer, ToolOverride } from './settings.js';

export interface Presented {
  readonly items: readonly IntakeItem[];
  /** Overrides that could not be followed. */
  readonly misfits: readonly Quarantined[];
}

/**
 * The tools of one upstream as the operator wants them shown: selected, and some under another name or with another
 * description. A name that another tool has already is not given: what names mean must not depend on who asks.
 */
export function presentTools({ name: server, tools }: CatalogueServer, intake: Intake): Presented {
  const wanted = compileSelection(tools.include, tools.exclude);
  const selected = intake.lists.tools.items.filter(({ ref }) => wanted(ref.name));
  const overrides = Object.entries(tools.overrides ?? {});
  if (overrides.length === 0) return { items: selected, misfits: [] };

  const changes = new Map<string, ToolOverride>();
  const misfits: Quarantined[] = [];
  const misfit = (name: string, reason: string) =>
    misfits.push({ server, kind: 'tools', name: printable(name), reason });
  const own = new Set(selected.map(({ ref }) => ref.name));
  for (const [tool, override] of overrides) {
    const { name } = override;
    if (own.has(tool)) {
      const taken = name !== undefined && name !== tool && own.has(name);
      changes.set(tool, taken ? { ...override, name: undefined } : override);
      if (taken)
        misfit(tool, `the name ${name} belongs to another tool of ${server}; choose another, or exclude that one`);
    } else if (wanted(tool) && intake.listing.failed.tools === undefined) {
      misfit(tool, `${server} lists no such tool; see tools.overrides`);
    }
  }
  return { items: selected.map((item) => changed(item, changes.get(item.ref.name))), misfits };
}

function changed(item: IntakeItem, override: ToolOverride | undefined): IntakeItem {
  const { description } = override ?? {};
  const shownAs = override?.name === item.ref.name ? undefined : override?.name;
  if (shownAs === undefined && description === undefined) return item;
  const raw = description === undefined ? item.raw : described(item.raw, description);
  const digest = digestOf(Buffer.concat([item.digest, Buffer.from(JSON.stringify([shownAs, description]))]));
  return { ...item, ...(shownAs !== undefined && { shownAs }), raw, digest };
}

function described(raw: Buffer, description: string): Buffer {
  return splice(raw, editMembers(JsonView.of(raw), { set: { description: JSON.stringify(description) } }));
}
