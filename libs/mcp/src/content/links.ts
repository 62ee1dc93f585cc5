import { mayContain } from '../json/needles.js';
import { type Edit, splice } from '../json/splice.js';
import { JsonView } from '../json/view.js';

/**
 * Takes links to resources out of a result of tools/call or prompts/get (a message that is no more than one goes as a
 * whole). Returns the same buffer when there is none, without parsing when none can be there.
 */
export function withoutLinks(method: string, result: Buffer, unwanted: (uri: string) => boolean): Buffer {
  if (!mayContain(result, '"resource_link"')) return result;
  const isUnwanted = (block: JsonView) => {
    if (block.get('type')?.string() !== 'resource_link') return false;
    const uri = block.get('uri')?.string();
    return uri !== undefined && unwanted(uri);
  };
  const view = JsonView.of(result);
  switch (method) {
    case 'tools/call':
      return splice(result, removals(view.get('content'), isUnwanted));
    case 'prompts/get':
      return splice(result, messageRemovals(view.get('messages'), isUnwanted));
    default:
      return result;
  }
}

function messageRemovals(messages: JsonView | undefined, isUnwanted: (block: JsonView) => boolean): Edit[] {
  const isNothingElse = (message: JsonView) => {
    const content = message.get('content');
    return content?.type === 'object' && isUnwanted(content);
  };
  const edits = removals(messages, isNothingElse);
  messages?.forEachItem((message) => edits.push(...removals(message.get('content'), isUnwanted)));
  return edits;
}

/** Edits that take items out of an array, each with one of the commas beside it. */
function removals(array: JsonView | undefined, isUnwanted: (item: JsonView) => boolean): Edit[] {
  const edits: Edit[] = [];
  let kept: JsonView | undefined;
  let gone: { start: number; end: number } | undefined;
  const close = (next: JsonView | undefined) => {
    if (!gone) return;
    const start = kept ? kept.end : gone.start;
    const end = kept || !next ? gone.end : next.start;
    edits.push({ start, end, text: '' });
    gone = undefined;
  };
  array?.forEachItem((item) => {
    if (isUnwanted(item)) {
      gone = { start: gone?.start ?? item.start, end: item.end };
      return;
    }
    close(item);
    kept = item;
  });
  close(undefined);
  return edits;
}
