import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Without the source condition the tests would silently run against a stale dist/.
  ssr: { resolve: { conditions: ['source', 'node', 'import', 'default'], externalConditions: ['source'] } },
  test: {
    include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'test/**/*.spec.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['libs/**/*.ts', 'apps/**/*.ts'], exclude: ['**/*.spec.ts', '**/testing/**'] },
  },
});
