import 'reflect-metadata';
import { permissionPatternFlaw } from '../access/pattern.js';
import { Choice, Count, Duration, Text } from '../fields/leaf.js';

/** One limit. At least one of `limit` and `concurrency` must be given. */
export class RateLimitConfig {
  @Choice(['principal', 'client', 'tool', 'server', 'ip'], {
    doc: 'What is counted apart: every principal, client, tool, server or address (ip).',
    required: true,
  })
  key!: 'principal' | 'client' | 'tool' | 'server' | 'ip';

  @Text({
    doc: 'Which calls count: a pattern server:tool, or one with a kind before it (prompts/, resources/, */); default: all.',
    nullable: true,
    flaw: permissionPatternFlaw,
  })
  match: string | null = null;

  @Count({ doc: 'Calls per period; more are answered 429.', nullable: true, min: 1, max: 1_000_000_000 })
  limit: number | null = null;

  @Duration({ doc: 'The period.', min: '1s', max: '24h' })
  per = 60_000;

  @Count({ doc: 'Calls that may come at once; default: limit.', nullable: true, min: 1, max: 1_000_000_000 })
  burst: number | null = null;

  @Count({ doc: 'Calls that may run at once; more are answered 429.', nullable: true, min: 1, max: 1_000_000 })
  concurrency: number | null = null;
}
