// A call policy: takes what looks like a card number out of everything that upstreams answer.
//
//   plugins: [./plugins/redact/index.js]
//
// REDACT_PATTERN in the gateway's environment is another pattern to look for.

import { Module } from '@nestjs/common';
import { CallPolicy, Extension } from 'mcp-gateway/plugin';

const CARD = String.raw`\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b`;

export class Redact extends CallPolicy {
  #pattern = new RegExp(process.env.REDACT_PATTERN || CARD, 'gu');

  after(_call, outcome) {
    const member = outcome.kind === 'error' ? 'error' : 'result';
    let found = 0;
    const json = JSON.parse(outcome[member].toString(), (_key, value, { source }) => {
      // Numbers are written back as they came: some are longer than JavaScript can hold.
      if (typeof value === 'number') return JSON.rawJSON(source);
      if (typeof value !== 'string') return value;
      return value.replace(this.#pattern, () => {
        found += 1;
        return '[redacted]';
      });
    });
    if (found === 0) return { effect: 'allow' };
    return { effect: 'rewrite', outcome: { ...outcome, [member]: Buffer.from(JSON.stringify(json)) } };
  }
}
Extension(CallPolicy, { name: 'redact', api: '1.1' })(Redact);

export default class RedactPlugin {}
Module({ providers: [Redact] })(RedactPlugin);
