import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { CallPolicy, ExtensionRegistry, loadPlugins, PluginModule } from '#libs/plugin';
import { describeCallPolicy } from '../testing/policy-contract.js';

const ROOT = join(import.meta.dirname, '../../../..');

async function loaded(name: string, file: string): Promise<CallPolicy> {
  const modules = await loadPlugins([file], { baseDir: ROOT });
  const app = await Test.createTestingModule({ imports: [PluginModule, ...modules] }).compile();
  return app.get(ExtensionRegistry).get(CallPolicy, name);
}

const card = (text: string) => ({ content: [{ type: 'text', text }] });

describeCallPolicy('redact, a plug-in', async () => ({
  policy: await loaded('redact', './examples/plugins/redact/index.js'),
  name: 'redact',
  examples: [
    { title: 'takes a card number out', result: card('pay 4111 1111 1111 1111 now'), gets: card('pay [redacted] now') },
    { title: 'leaves everything else alone', arguments: { a: 1 }, result: card('pay 4111 now') },
  ],
}));

describeCallPolicy('confirm, a plug-in', async () => ({
  policy: await loaded('confirm', './test/fixtures/plugins/policies/confirm.mjs'),
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
