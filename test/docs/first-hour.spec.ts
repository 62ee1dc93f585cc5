import { afterAll, describe } from 'vitest';
import { Cleanup } from '../support/wait.js';
import { walk } from './walk.js';

const cleanup = new Cleanup();
afterAll(() => cleanup.close());

describe('docs/getting-started.md: add a server, restrict it to a group, see who was kept from it', () => {
  walk('docs/getting-started.md', 'first-hour', cleanup);
});
