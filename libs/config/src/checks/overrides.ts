import { compileSelection } from '#libs/kernel';
import { type Path, showPath } from '../load/path.js';
import type { Findings } from '../load/problems.js';
import type { UpstreamConfig } from '../sections/upstream.config.js';

/** Names given to tools of one upstream: no two alike, and none that another of its tools has already. */
export function checkOverrides({ tools }: UpstreamConfig, path: Path, findings: Findings): void {
  const place = (own: string, ...key: string[]) => [...path, 'tools', 'overrides', own, ...key];
  const offered = compileSelection(tools.include, tools.exclude);
  const takers = new Map<string, string>();
  for (const [own, { name, description }] of Object.entries(tools.overrides)) {
    if (!findings.sound(place(own))) continue;
    if (!offered(own)) findings.warning(place(own), 'include and exclude leave this tool out');
    if (name === undefined && description === undefined) {
      findings.warning(place(own), 'changes nothing; give a name or a description');
    }
    if (name === undefined || name === own) continue;
    const taker = takers.get(name);
    if (taker !== undefined) {
      findings.problem(place(own, 'name'), `"${name}" is already given by ${showPath(place(taker, 'name'))}`);
    } else if (Object.hasOwn(tools.overrides, name) && offered(name)) {
      findings.problem(
        place(own, 'name'),
        `"${name}" is another tool's own name, which stays good for calls; choose another, or exclude that tool`,
      );
    } else takers.set(name, own);
  }
}
