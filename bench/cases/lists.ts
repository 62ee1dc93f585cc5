import { Lists } from '../load/tasks.ts';
import { viewOf } from '../targets/issuer.ts';
import { type Era, upstreamName } from '../targets/shape.ts';
import { toolDefinition, toolName } from '../targets/tools.mjs';
import { isVisible, VIEWS } from '../targets/views.ts';
import { DEFAULT_WORLD, type World } from '../targets/world.ts';
import { roundsCase } from './calls.ts';
import type { Case } from './case.ts';
import { ALL_FOUR } from './entrants.ts';

/** tools/list of one upstream with few and with many tools, for callers who see the same and for such who do not. */
export function listCases(): Case[] {
  return [
    listCase('list-10', { tools: 10, views: 1 }),
    listCase('list-1000', { tools: 1000, views: 1 }),
    listCase('list-1000-modern', { tools: 1000, views: 1, client: 'modern' }),
    listCase('list-10-views', { tools: 10, views: VIEWS }),
    listCase('list-1000-views', { tools: 1000, views: VIEWS }),
  ];
}

interface ListCase {
  readonly tools: number;
  readonly views: number;
  readonly client?: Era;
}

function listCase(name: string, { tools, views, client = 'legacy' }: ListCase): Case {
  const world: World = {
    ...DEFAULT_WORLD,
    client,
    upstreams: 1,
    upstream: { ...DEFAULT_WORLD.upstream, era: client, tools },
  };
  const about = `tools/list, ${tools} tools, ${views === 1 ? 'one view' : `${views} views`}, ${client}`;
  const plain = roundsCase(name, about, world, { ...ALL_FOUR, direct: false }, ({ scale }) => ({
    concurrency: 16,
    executes: 0,
    // Enough callers that every view is among them.
    sessions: Math.max(scale.sessions, views),
    clients(door, sessions) {
      // A target that decides nothing has one session and is told the view; its "callers" are the views.
      const callers = door.tellsView
        ? Array.from({ length: views }, (_, caller) => ({ ...sessions[0], caller }))
        : sessions.filter(({ caller }) => viewOf(caller) < views);
      const decides = door.tellsView || door.token(0) !== undefined;
      const lists = new Lists(door, callers, {
        viewOf: (caller) => (decides ? viewOf(caller) : 0),
        expected: (view) => expectedTools(tools, view),
      });
      return (slot) => lists.task(slot);
    },
  }));
  if (views === 1) return plain;
  return {
    ...plain,
    needs: ['permissions'],
    run: (context) => plain.run({ ...context, profiles: decidingOnly(context.profiles) }),
  };
}

/** A gateway that asks nobody who they are has one view. */
function decidingOnly<T extends string>(profiles: readonly T[]): T[] {
  return profiles.filter((profile) => profile === 'everything');
}

function expectedTools(count: number, view: number): object[] {
  const prefix = `${upstreamName(0)}:`;
  return Array.from({ length: count }, (_, index) => index)
    .filter((index) => isVisible(view, toolName(index)))
    .map((index) => ({ ...toolDefinition(index), name: prefix + toolName(index) }));
}
