import { HOP_META_KEYS, type MemberChanges, REQUEST_ID_META_KEY } from '#libs/mcp';

const WITH_REQUEST_ID = [...HOP_META_KEYS, REQUEST_ID_META_KEY];

/**
 * What the gateway itself says in the `_meta` of a request for somebody, in the place of all that belonged to another hop. It
 * always asks for progress: that is the sign of life that keeps a long call from running into its time limit. `requestId` is
 * given where no header carries it, `envelope` are the members that the era wants.
 */
export function ownMeta(id: number, requestId: string | undefined, envelope = ''): MemberChanges {
  const add = `${envelope}"progressToken":${id}`;
  if (requestId === undefined) return { remove: HOP_META_KEYS, add };
  return { remove: WITH_REQUEST_ID, add: `${add},"${REQUEST_ID_META_KEY}":${JSON.stringify(requestId)}` };
}
