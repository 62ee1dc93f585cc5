import { expect, it } from 'vitest';
import { diffServers } from './diff-servers.js';
import { loadText } from './testing/load-text.js';

const proxy = (entries: string, env = {}) => loadText(`proxy: { servers: [${entries}] }`, { env }).config.proxy;
const entry = (name: string, token = '${T}') =>
  `{ name: ${name}, type: sse, connection: { url: "http://${name}/" }, auth: { type: bearer, token: "${token}" } }`;

it('tells what a reload does to each upstream', () => {
  const previous = proxy([entry('a'), entry('b'), entry('c')].join(), { T: 'one' });
  const next = proxy([entry('d'), entry('c', 'two'), entry('a')].join(), { T: 'one' });
  const diff = diffServers(previous, next);
  expect(diff.added.map(({ name }) => name)).toEqual(['d']);
  expect(diff.removed.map(({ name }) => name)).toEqual(['b']);
  expect(diff.changed.map(({ previous: { name }, next: after }) => [name, after.name])).toEqual([['c', 'c']]);
  expect(diff.unchanged.map(({ name }) => name)).toEqual(['a']);
});

it('sees a secret that changed where the file did not', () => {
  expect(diffServers(proxy(entry('a'), { T: 'one' }), proxy(entry('a'), { T: 'two' })).changed).toHaveLength(1);
});
