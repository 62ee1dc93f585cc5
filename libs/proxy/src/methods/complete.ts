import { GatewayError } from '#libs/kernel';
import { atLeast, editMembers, JsonView, splice } from '#libs/mcp';
import { type Handler, type Request, upstreamOf } from './context.js';
import { forUpstream } from './params.js';
import { route } from './route.js';

export const complete: Handler = async (desk, request) => {
  const target = resolve(request);
  const known = upstreamOf(desk, target.server).listing?.version;
  return route(desk, request, {
    server: target.server,
    params: completionParams(request, target, known !== undefined && !atLeast(known, '2025-06-18')),
    subject: `completion of ${target.own}`,
    repeatable: true,
  });
};

interface Target {
  readonly server: string;
  /** The member of `ref` that names the object, and the upstream's own spelling of it. */
  readonly member: 'name' | 'uri';
  readonly own: string;
}

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
  if (member === 'name') {
    const prompt = view.prompt(spelled);
    if (prompt) return { server: prompt.ref.server, member, own: prompt.ref.name };
    throw new GatewayError('UNKNOWN_PROMPT', `Unknown prompt: ${spelled.slice(0, 200)}`);
  }
  const template = view.template(spelled);
  if (template) return { server: template.server, member, own: template.uri };
  throw new GatewayError('UNKNOWN_REF', `Unknown resource or template: ${spelled.slice(0, 200)}`);
}

/** `context` came with 2025-06-18; an older upstream may refuse what it does not know. */
function completionParams({ message }: Request, { member, own }: Target, dropContext: boolean): Buffer {
  const params = forUpstream(message.params as JsonView, dropContext ? { remove: ['context'] } : {});
  const ref = JsonView.of(params).get('ref') as JsonView;
  return splice(params, editMembers(ref, { set: { [member]: JSON.stringify(own) } }));
}
