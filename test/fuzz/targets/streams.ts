import fc from 'fast-check';
import { GatewayError } from '#libs/kernel';
import { type SseEvent, SseParser, sseFrame } from '#libs/mcp';
import { cutAt, noise, wounded } from '../gen/bytes.js';
import { jsonText } from '../gen/json.js';
import { inProcess, must, type Target } from '../target.js';

const LINES = [
  ...[
    'data: {"jsonrpc":"2.0","id":1,"result":{}}',
    'data:',
    'data',
    'data:x',
    'data:  two',
    'event: message',
    'event: odd',
  ],
  ...[
    'id: 1',
    'id',
    'id: a\0b',
    'retry: 10',
    'retry: 99999999999',
    'retry: x',
    ': comment',
    ':',
    'unknown: x',
    'DATA: x',
    '',
  ],
];
const line = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...LINES) }, { weight: 1, arbitrary: fc.string() });
const streams = fc
  .tuple(fc.constantFrom('', '', '\ufeff'), fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '\n\n'))))
  .map(([mark, lines]) => Buffer.from(mark + lines.flat().join('')));

const cases = fc.record({
  bytes: fc.oneof(
    { weight: 3, arbitrary: streams },
    { weight: 3, arbitrary: wounded(streams) },
    { weight: 1, arbitrary: noise },
  ),
  cuts: fc.array(fc.nat(4_000), { maxLength: 8 }),
  limit: fc.constantFrom(16, 64, 100_000),
});

interface Read {
  readonly events: readonly SseEvent[];
  readonly failed: boolean;
}

function read(chunks: readonly Buffer[], limit: number): Read {
  const events: SseEvent[] = [];
  const parser = new SseParser(limit, {
    // data may share memory with a chunk
    onEvent: (event) => events.push({ ...event, data: Buffer.from(event.data) }),
    onRetry: (milliseconds) => must(Number.isSafeInteger(milliseconds) && milliseconds >= 0, `retry ${milliseconds}`),
  });
  try {
    for (const chunk of chunks) parser.push(chunk);
    return { events, failed: false };
  } catch (thrown) {
    must(thrown instanceof GatewayError && thrown.code === 'UPSTREAM_TOO_LARGE', () => `threw ${thrown}`);
    return { events, failed: true };
  }
}

/** What WHATWG HTML 9.2 makes of a whole stream, of the fields that matter. */
function reference(bytes: Buffer): { data: string; event: string; id: string | undefined }[] {
  const text = bytes.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
  const found = [];
  const lines = text.split(/\r\n|\r|\n/);
  lines.pop();
  let [data, event, id] = [[] as string[], '', undefined as string | undefined];
  for (const it of lines) {
    const colon = it.indexOf(':');
    const name = colon < 0 ? it : it.slice(0, colon);
    const value = colon < 0 ? '' : it.slice(colon + 1).replace(/^ /, '');
    if (it === '') {
      const joined = data.join('\n');
      if (joined !== '' || id !== undefined) found.push({ data: joined, event: event || 'message', id });
      [data, event, id] = [[], '', undefined];
    } else if (colon === 0) continue;
    else if (name === 'data') data.push(value);
    else if (name === 'event') event = Buffer.from(value, 'latin1').toString();
    else if (name === 'id' && !value.includes('\0')) id = Buffer.from(value, 'latin1').toString();
  }
  return found;
}

function checkStream({ bytes, cuts, limit }: { bytes: Buffer; cuts: readonly number[]; limit: number }): boolean {
  const whole = read([bytes], limit);
  const pieces = read(cutAt(bytes, cuts), limit);
  for (const { data } of [...whole.events, ...pieces.events])
    must(data.length <= limit, `${data.length} bytes in an event`);
  if (whole.failed || pieces.failed) {
    must(limit < 100_000, 'too large for a limit nothing reaches');
    return false;
  }
  const shown = (events: readonly SseEvent[]) =>
    JSON.stringify(events.map(({ data, event, id }) => ({ data: data.toString('latin1'), event, id })));
  must(shown(whole.events) === JSON.stringify(reference(bytes)), () => `read ${shown(whole.events)}`);
  must(shown(pieces.events) === shown(whole.events), () => `in pieces: ${shown(pieces.events)}`);
  return true;
}

/** What is put into a frame comes out of it as one event. */
function checkFrame([json, id]: [string, string | undefined]): undefined {
  const { events } = read([sseFrame(json, id)], 1_000_000);
  must(events.length <= 1, `${events.length} events out of one frame`);
  const expected = json.replace(/[\r\n]/g, ' ');
  if (events[0])
    must(events[0].data.toString() === expected.replace(/^ /, (it) => it), () => `other data: ${events[0]?.data}`);
}

export const STREAM_TARGETS: readonly Target[] = [
  inProcess('sse-parser', 16, cases, checkStream),
  inProcess('sse-frames', 4, fc.tuple(jsonText, fc.option(fc.string(), { nil: undefined })), checkFrame),
];
