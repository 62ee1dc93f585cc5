import type { JsonView } from '../json/view.js';

/** How deep tool results inside messages may hold further tool results before they are left as they are. */
const MAX_NESTING = 4;

/** Visits the content blocks of an object's `content`, which is one block or an array of them. */
export function eachBlock(holder: JsonView, visit: (block: JsonView, inArray: boolean) => void): void {
  const content = holder.get('content');
  if (content?.type === 'object') visit(content, false);
  else content?.forEachItem((block) => visit(block, true));
}

/** Visits the content blocks of every message of an object's `messages`. */
export function eachMessageBlock(holder: JsonView, visit: (block: JsonView, inArray: boolean) => void): void {
  holder.get('messages')?.forEachItem((message) => eachBlock(message, visit));
}

/** Visits the block itself, or the blocks of the tool result it is. */
export function eachInnerBlock(block: JsonView, visit: (block: JsonView) => void, nesting = MAX_NESTING): void {
  if (block.get('type')?.string() !== 'tool_result') visit(block);
  else if (nesting > 0) eachBlock(block, (inner) => eachInnerBlock(inner, visit, nesting - 1));
}
