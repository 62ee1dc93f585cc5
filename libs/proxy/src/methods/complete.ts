import { GatewayError, type ObjectRef, type Outcome } from '#libs/kernel';
import { atLeast, type Draft, editMembers, type JsonView } from '#libs/mcp';
import { authorize } from './authorize.js';
import { type Handler, noteHidden, type Request, upstreamOf } from './context.js';
import { forUpstream } from './params.js';
import { route } from './route.js';

/** What is unknown, and so what is hidden, has nothing to suggest: a client asks with every key its user presses. */
const NOTHING: Outcome = { kind: 'result', result: Buffer.from('{"completion":{"values":[]}}') };

export const complete: Handler = async (desk, request) => {
  const { member, ref, spelled } = resolve(request);
  if (!ref || !authorize(desk, request, ref)) {
    noteHidden(desk, request, member === 'name' ? 'prompts' : 'templates', spelled);
    return NOTHING;
  }
  const known = upstreamOf(desk, ref.server).listing?.version;
  return route(desk, request, {
    ref,
    unknown: () => NOTHING,
    params: completionParams(request, member, ref.name, known !== undefined && !atLeast(known, '2025-06-18')),
    subject: `completion of ${ref.name}`,
    repeatable: true,
    solo: false,
  });
};

interface Target {
  /** The member of `ref` that names the object, and how. */
  readonly member: 'name' | 'uri';
  readonly spelled: string;
  /** Absent: nothing in this view. */
  readonly ref: ObjectRef | undefined;
}

/** @throws GatewayError INVALID_PARAMS */
function resolve({ view, message }: Request): Target {
  const ref = message.params?.get('ref');
  const type = ref?.get('type')?.string();
  const member = type === 'ref/prompt' ? 'name' : 'uri';
  const spelled = ref?.get(member)?.string();
  if ((type !== 'ref/prompt' && type !== 'ref/resource') || spelled === undefined) {
    throw new GatewayError(
      'INVALID_PARAMS',
      'completion/complete needs params.ref: {type: "ref/prompt", name} or {type: "ref/resource", uri}',
    );
  }
  if (member === 'name') return { member, spelled, ref: view.prompt(spelled)?.ref };
  const found = view.template(spelled);
  return { member, spelled, ref: found && { kind: found.kind, server: found.server, name: found.uri } };
}

/** `context` came with 2025-06-18; an older upstream may refuse what it does not know. */
function completionParams({ message }: Request, member: string, own: string, dropContext: boolean): Draft {
  const params = message.params as JsonView;
  const inside = editMembers(params.get('ref') as JsonView, { set: { [member]: JSON.stringify(own) } });
  return forUpstream(params, { remove: dropContext ? ['context'] : undefined, inside });
}
