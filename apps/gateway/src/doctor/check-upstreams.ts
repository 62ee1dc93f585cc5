import type { Catalogue } from '#libs/catalogue';
import type { UpstreamStatus } from '#libs/plugin';
import { tokensOf } from '../token-estimate.js';
import { anchorOf } from './check-config.js';
import { type Finding, firstFew } from './finding.js';

/** What became of one upstream; `elapsed` is how long it took to be ready, in milliseconds. */
export function upstreamFindings(status: UpstreamStatus, catalogue: Catalogue, elapsed: number | undefined): Finding[] {
  const { name: subject } = status;
  const entry = catalogue.server(subject);
  const left = (entry?.quarantined ?? []).map(({ kind, name, reason }) => `${kind} '${name}': ${reason}`);
  const mended = (entry?.repaired ?? []).map(({ kind, name, reason }) => `${kind} '${name}': ${reason}`);
  const lists = Object.entries(entry?.failed ?? {}).map(([kind, why]) => `${kind}: ${why}`);
  return [
    stateFinding(status, offer(status, catalogue, elapsed)),
    ...some(lists, subject, 'warning', 'could not be listed', 'look into the log of this server', 'docs/operations.md'),
    ...some(
      left,
      subject,
      'warning',
      'left out of the lists',
      'mend it in the server',
      'docs/names.md#when-something-is-missing-from-a-list',
    ),
    ...some(mended, subject, 'note', 'mended by the gateway', undefined, undefined),
  ];
}

function stateFinding({ name: subject, state, reason, cause, required }: UpstreamStatus, offered: string): Finding {
  const docs = cause === undefined ? 'docs/operations.md' : anchorOf(cause);
  switch (state) {
    case 'ready':
      return { level: 'ok', subject, text: offered };
    case 'disabled':
      return { level: 'note', subject, text: 'is switched off (enabled: false)' };
    case 'degraded':
      return { level: 'warning', subject, text: `${offered}; degraded: ${reason ?? 'no reason given'}`, docs };
    case 'connecting':
      return {
        level: 'problem',
        subject,
        text: `did not answer in time${reason === undefined ? '' : `: ${reason}`}`,
        fix: 'wait longer with --timeout, or see what it waits for',
        docs,
      };
    default:
      return {
        level: 'problem',
        subject,
        text: `${state}${required ? ' (required: the gateway is not ready without it)' : ''}: ${reason ?? 'no reason given'}`,
        docs,
      };
  }
}

function offer(
  { name, era, version, dual, counts, type }: UpstreamStatus,
  catalogue: Catalogue,
  elapsed?: number,
): string {
  const eras = dual ? 'both eras' : era;
  const tokens = tokensOf(catalogue.toolBytes({ kind: 'server', server: name }));
  // What clients are shown, where that is known: not what was left out.
  const { tools, prompts, resources } = catalogue.server(name)?.counts ?? counts;
  const count = (number: number, thing: string) => `${number} ${thing}${number === 1 ? '' : 's'}`;
  return [
    `${type}, ready${elapsed === undefined ? '' : ` after ${Math.round(elapsed)} ms`}`,
    [eras, version].filter(Boolean).join(' '),
    `${count(tools, 'tool')} (about ${tokens} tokens)`,
    count(prompts, 'prompt'),
    count(resources, 'resource'),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function some(
  items: readonly string[],
  subject: string,
  level: Finding['level'],
  what: string,
  fix: string | undefined,
  docs: string | undefined,
): Finding[] {
  if (items.length === 0) return [];
  return [{ level, subject, text: `${what}: ${firstFew(items)}`, fix, docs }];
}
