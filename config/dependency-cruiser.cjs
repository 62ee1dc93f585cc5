/**
 * The floors of the house (docs/architecture.md): a room imports only from floors below it, through the
 * other room's index.ts, and rooms on one floor never import each other.
 */
const floors = [
  ['mcp', 'kernel'],
  ['config', 'plugin', 'store', 'egress'],
  ['catalogue', 'upstream', 'auth', 'permission', 'ratelimit', 'health', 'metrics', 'logging', 'tracing', 'audit'],
  ['proxy'],
  ['downstream', 'admin'],
];

const forbidden = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'only-through-the-door',
    comment: 'A room is entered through its index.ts (contract suites through its testing folder).',
    severity: 'error',
    from: { path: '^(apps|test|libs/([^/]+))/' },
    to: { path: '^libs/([^/]+)/src/', pathNot: ['^libs/[^/]+/src/(index|testing/index)\\.ts$', '^libs/$2/'] },
  },
  {
    name: 'no-nest-in-the-ground-floor',
    severity: 'error',
    from: { path: '^libs/(mcp|kernel)/' },
    to: { path: '(^|/)node_modules/@nestjs/' },
  },
  { name: 'kernel-knows-no-mcp', severity: 'error', from: { path: '^libs/kernel/' }, to: { path: '^libs/mcp/' } },
  { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^(apps|test)/' } },
];

floors.forEach((rooms, floor) => {
  for (const room of rooms) {
    const peers = rooms.filter((other) => other !== room && !(room === 'mcp' && other === 'kernel'));
    const banned = [...peers, ...floors.slice(floor + 1).flat()];
    if (banned.length === 0) continue;
    forbidden.push({
      name: `floor-${floor}-${room}`,
      severity: 'error',
      from: { path: `^libs/${room}/` },
      to: { path: `^libs/(${banned.join('|')})/` },
    });
  }
});

module.exports = {
  forbidden,
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(\\.spec\\.ts$|/testing/)' },
    enhancedResolveOptions: {
      conditionNames: ['gateway-source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
