import { GatewayError } from '#libs/kernel';
import { type JsonView, MODERN_METHODS, namedMember, type RequestMessage } from '#libs/mcp';

/** @throws GatewayError METHOD_UNKNOWN: also for what earlier revisions had (M:base) */
export function checkMethod(method: string): void {
  if (MODERN_METHODS.has(method)) return;
  throw new GatewayError('METHOD_UNKNOWN', `Method not found: ${method.slice(0, 100)}`);
}

/** Whether a request may be answered `input_required` (M:mrtr). */
export function mayAsk(method: string): boolean {
  return namedMember(method) !== undefined;
}

/** @throws GatewayError INVALID_PARAMS */
export function checkShape({ method, params }: RequestMessage): void {
  const named = namedMember(method);
  if (named === undefined) return;
  requireType(params, method, named, 'string', true);
  if (named === 'name') requireType(params, method, 'arguments', 'object');
  requireType(params, method, 'inputResponses', 'object');
  requireType(params, method, 'requestState', 'string');
}

function requireType(
  params: JsonView | undefined,
  method: string,
  member: string,
  type: 'string' | 'object',
  required = false,
): void {
  const value = params?.get(member);
  if (value === undefined ? !required : value.type === type) return;
  const wanted = type === 'object' ? 'an object' : 'a string';
  throw new GatewayError('INVALID_PARAMS', `${method}: params.${member} must be ${wanted}`);
}
