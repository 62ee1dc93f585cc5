import { type Exchange, GatewayError, isObject, messageOf } from '#libs/kernel';
import { atLeast, downgradeElicitation, VENDOR_META_PREFIX } from '#libs/mcp';
import type { PolicyAnswer, PolicyQuestion } from '#libs/plugin';

const ACTIONS: ReadonlySet<unknown> = new Set(['accept', 'decline', 'cancel']);
const NO_FIELDS = { type: 'object', properties: {} };

/** Why a policy got no answer. */
export class Unanswered extends Error {}

/**
 * Puts a policy's question to the client and waits for the answer, within `server.limits.ask`. People must see who asks
 * (M:elic): the gateway's policy, about which server.
 * @throws Unanswered; GatewayError when the call is over
 */
export async function askClient(
  exchange: Exchange,
  server: string,
  policy: string,
  question: PolicyQuestion,
): Promise<PolicyAnswer> {
  if (!canShowForms(exchange)) throw new Unanswered('the client cannot be asked: it did not declare elicitation');
  const { message, requestedSchema = NO_FIELDS } = question;
  const params = {
    message: `[gateway: ${policy}] ${message}`,
    requestedSchema,
    _meta: { [`${VENDOR_META_PREFIX}server`]: server, [`${VENDOR_META_PREFIX}policy`]: policy },
  };
  const json = downgradeElicitation(Buffer.from(JSON.stringify(params)), exchange.client.version);
  const answer = await answered(exchange, server, json);
  if (!isAnswer(answer)) throw new Unanswered('the client answered with what is no answer to a form');
  return answer;
}

async function answered(exchange: Exchange, server: string, params: Buffer): Promise<unknown> {
  try {
    const answer = await exchange.ask({ method: 'elicitation/create', params, server }).answer;
    if (answer.kind === 'result') return JSON.parse(answer.result.toString());
  } catch (thrown) {
    if (exchange.aborted || (thrown instanceof GatewayError && thrown.code === 'CANCELLED')) throw thrown;
    throw new Unanswered(messageOf(thrown));
  }
  throw new Unanswered('the client answered with an error');
}

/** A client that declares elicitation without a mode means forms; one that names only URLs cannot show them. */
function canShowForms({ client }: Exchange): boolean {
  const declared = client.capabilities['elicitation'];
  if (!isObject(declared) || !atLeast(client.version, '2025-06-18')) return false;
  return isObject(declared['form']) || !isObject(declared['url']);
}

function isAnswer(value: unknown): value is PolicyAnswer {
  if (!isObject(value) || !ACTIONS.has(value['action'])) return false;
  return value['content'] === undefined || isObject(value['content']);
}
