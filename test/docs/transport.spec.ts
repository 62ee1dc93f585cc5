import { afterAll, describe } from 'vitest';
import { Cleanup } from '../support/wait.js';
import { walk } from './walk.js';

const cleanup = new Cleanup();
afterAll(() => cleanup.close());

describe('docs/extending.md: write a transport', () => {
  walk('docs/extending.md', 'transport', cleanup);
});
