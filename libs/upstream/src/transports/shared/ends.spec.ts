import { describe, expect, it } from 'vitest';
import { idFromEnds, mayBeResponse } from './ends.js';

describe('idFromEnds', () => {
  const ends = (text: string) => idFromEnds(Buffer.from(text.slice(0, 50)), Buffer.from(text.slice(-50)));
  const long = JSON.stringify({ text: 'x'.repeat(200), id: 99 });

  it('finds the id of a response before its result or at its end', () => {
    expect(ends(`{"jsonrpc":"2.0","id":12,"result":${long}}`)).toBe(12);
    expect(ends(`{"result":${long},"jsonrpc":"2.0","id":12}`)).toBe(12);
    expect(ends(`{"result":${long},"id":12,"jsonrpc":"2.0"}\n`)).toBe(12);
  });

  it('finds the id of what is no proper response', () => {
    expect(ends('{"jsonrpc":"2.0","id":12}')).toBe(12);
    expect(ends('{"jsonrpc":"1.0","id":12.0,"result":{}}')).toBe(12);
    expect(ends('{"id":12,"result":{]}')).toBe(12);
  });

  it('does not take an id of the result for it', () => {
    expect(ends(`{"jsonrpc":"2.0","result":${long}}`)).toBeUndefined();
    expect(ends(`{"result":${long},"id":"12"}`)).toBeUndefined();
  });
});

describe('mayBeResponse', () => {
  it('tells responses from requests, notifications and noise', () => {
    const may = (text: string) => mayBeResponse(Buffer.from(text));
    expect(may('{"result":{"method":"x"},"jsonrpc"')).toBe(true);
    expect(may('{"jsonrpc":"2.0","id":1,"result":{')).toBe(true);
    expect(may('[{"jsonrpc":"2.0"')).toBe(true);
    expect(may('{"method":"notifications/message","params":{')).toBe(false);
    expect(may('{"jsonrpc":"2.0","method":"notifications/message"')).toBe(false);
    expect(may('{"jsonrpc":"2.0","id":"a-1","method":"sampling/createMessage"')).toBe(false);
    expect(may('{"id":7,"jsonrpc":"2.0","method":"roots/list"')).toBe(false);
    expect(may('=====>     42%')).toBe(false);
  });
});
