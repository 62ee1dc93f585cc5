import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Sources, never a stale dist/. By alias, because a `source` condition would reach the dependencies too, and some
  // of them publish TypeScript under that name.
  resolve: {
    alias: [
      { find: /^#libs\/(.+)$/, replacement: source('./libs/$1/src/index.ts') },
      { find: /^mcp-gateway\/plugin$/, replacement: source('./libs/plugin/src/api.ts') },
    ],
  },
  test: {
    include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts', 'test/**/*.spec.ts', 'bench/**/*.spec.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['libs/**/*.ts', 'apps/**/*.ts'], exclude: ['**/*.spec.ts', '**/testing/**'] },
  },
});
