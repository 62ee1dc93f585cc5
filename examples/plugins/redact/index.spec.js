import { describeCallPolicy } from 'mcp-gateway/plugin/testing';
import { Redact } from './index.js';

const says = (text, more = {}) => ({ content: [{ type: 'text', text }], ...more });

describeCallPolicy('redact', () => ({
  policy: new Redact(),
  name: 'redact',
  examples: [
    {
      title: 'takes a card number out of texts',
      result: says('pay 4111 1111 1111 1111 now'),
      gets: says('pay [redacted] now'),
    },
    {
      title: 'takes it out of structured content, however it is written in JSON',
      result: says('', { structuredContent: { card: '\u00344111-1111-1111-1111 or 4111\u20111'.slice(1) } }),
      gets: says('', { structuredContent: { card: '[redacted] or 4111\u20111' } }),
    },
    { title: 'leaves everything else alone', arguments: { a: 1 }, result: says('pay 4111 now') },
  ],
}));
