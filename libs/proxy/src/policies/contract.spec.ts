import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { CallPolicy, ExtensionRegistry, loadPlugins, PluginModule } from '#libs/plugin';
import { describeCallPolicy } from '../testing/policy-contract.js';

const PLUGINS = join(import.meta.dirname, '../../../../test/fixtures/plugins/policies');

async function loaded(name: string): Promise<CallPolicy> {
  const modules = await loadPlugins([`./${name}.mjs`], { baseDir: PLUGINS });
  const app = await Test.createTestingModule({ imports: [PluginModule, ...modules] }).compile();
  return app.get(ExtensionRegistry).get(CallPolicy, name);
}

const card = (text: string) => ({ content: [{ type: 'text', text }] });

describeCallPolicy('redact, a plug-in', async () => ({
  policy: await loaded('redact'),
  name: 'redact',
  examples: [
    { title: 'takes a card number out', result: card('pay 4111 1111 1111 1111 now'), gets: card('pay [card] now') },
    { title: 'leaves everything else alone', arguments: { a: 1 }, result: card('pay 4111 now') },
  ],
}));

describeCallPolicy('confirm, a plug-in', async () => ({
  policy: await loaded('confirm'),
  name: 'confirm',
  examples: [
    { title: 'asks nobody about other tools', tool: 'echo' },
    { title: 'lets it pass when somebody is sure', tool: 'pay', answer: { action: 'accept', content: { sure: true } } },
    {
      title: 'not when unsure',
      tool: 'pay',
      answer: { action: 'accept', content: { sure: false } },
      reaches: false,
      gets: 'denied',
    },
    { title: 'not when it was declined', tool: 'pay', answer: { action: 'decline' }, reaches: false, gets: 'denied' },
    { title: 'not when nobody answers', tool: 'pay', reaches: false, gets: 'denied' },
  ],
}));
