import { readdirSync, readFileSync } from 'node:fs';

/** How long one look at the system's processes is good for, in milliseconds: a status asks for many groups at once. */
const FRESH = 1_000;

let looked = Number.NEGATIVE_INFINITY;
let groups: ReadonlyMap<number, number> | undefined;

/** Resident bytes of all processes of a group; undefined when it is gone, or where there is no /proc. */
export function groupMemory(group: number, now = performance.now()): number | undefined {
  if (now - looked >= FRESH) {
    looked = now;
    groups = look();
  }
  return groups?.get(group);
}

function look(): ReadonlyMap<number, number> | undefined {
  const sums = new Map<number, number>();
  try {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const found = read(name);
      if (found) sums.set(found.group, (sums.get(found.group) ?? 0) + found.bytes);
    }
  } catch {
    return undefined;
  }
  return sums;
}

/** The kernel names kilobytes here, and pages of whatever size elsewhere. */
function read(pid: string): { readonly group: number; readonly bytes: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const group = /^NSpgid:\s+(\d+)/m.exec(status)?.[1];
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
    return group && kilobytes ? { group: Number(group), bytes: Number(kilobytes) * 1024 } : undefined;
  } catch {
    // it ended while we looked
    return undefined;
  }
}
