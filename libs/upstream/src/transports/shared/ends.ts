const VERSION = String.raw`\s*"jsonrpc"\s*:\s*"[\d.]{1,10}"\s*`;
const ID = String.raw`\s*"id"\s*:\s*(\d{1,15})(?:\.0)?\s*`;
const AT_HEAD = new RegExp(String.raw`^\s*\{(?:${VERSION},)?${ID}[,}]`);
const AT_TAIL = new RegExp(String.raw`,${ID}(?:,${VERSION})?\}\s*$`);
const NAMES_METHOD = new RegExp(
  String.raw`^\s*\{(?:${VERSION},)?(?:\s*"id"\s*:\s*[^,{}]{1,64},)?(?:${VERSION},)?\s*"method"\s*:`,
);

/** The id of a response that cannot be read as a whole: it stands before the result, or at the very end. */
export function idFromEnds(head: Buffer, tail: Buffer): number | undefined {
  const found = AT_HEAD.exec(head.toString('latin1'))?.[1] ?? AT_TAIL.exec(tail.toString('latin1'))?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Whether text that begins so may have been a response: not a notification or request, and not mere noise. */
export function mayBeResponse(head: Buffer): boolean {
  const text = head.toString('latin1');
  return /^\s*[{[]/.test(text) && !NAMES_METHOD.test(text);
}
