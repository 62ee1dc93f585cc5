/** What `serve` runs when there is no configuration file. */
export const DEMO_SETTINGS = {
  log: { format: 'text' },
  proxy: { servers: [{ name: 'demo', type: 'in-process' }] },
} as const;
