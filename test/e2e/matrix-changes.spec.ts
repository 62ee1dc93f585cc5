import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CELLS, Matrix, title } from '../support/matrix.js';
import { until } from '../support/wait.js';

const matrix = new Matrix();
beforeAll(() => matrix.start());
afterEach(() => matrix.endClients());
afterAll(() => matrix.close());

describe.each(CELLS.map((cell) => [title(cell), cell] as const))('changes, %s', (_title, cell) => {
  it.each(['tools', 'prompts', 'resources'] as const)('tells every client when %s come and go', async (kind) => {
    const [actor, witness] = [await matrix.connect(cell), await matrix.connect(cell)];
    await witness.watch();
    const name = kind === 'resources' ? `memo://added/${Math.random()}` : `added_${Math.random()}`;
    const told = () => witness.told.count(({ method }) => method === `notifications/${kind}/list_changed`);
    for (const present of [true, false]) {
      const before = told();
      await actor.call('change', { kind, name, present });
      await until(`the witness is told (present: ${present})`, () => told() > before);
      await until('the list shows it', async () => (await witness.names(kind)).includes(name) === present);
    }
  });

  it('tells who watches a resource that it changed, and nobody else', async () => {
    const uri = 'memo://notes/1';
    const [actor, witness, other] = [
      await matrix.connect(cell),
      await matrix.connect(cell),
      await matrix.connect(cell),
    ];
    await witness.watch([uri]);
    await other.watch(['memo://notes/2']);
    const told = (client: typeof witness) =>
      client.told.items.filter(({ method }) => method === 'notifications/resources/updated');
    await until('the witness is told', async () => {
      await actor.call('touch', { uri });
      return told(witness).length > 0;
    });
    expect(told(witness)[0]?.params).toMatchObject({ uri });
    expect(told(other)).toEqual([]);
  });
});
