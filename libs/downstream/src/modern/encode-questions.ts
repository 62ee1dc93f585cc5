import { type Bytes, editMembers, encodeResult, JsonView, splice, withResultMembers } from '#libs/mcp';
import type { Question } from './question.js';

/** The questions of a parked call as an `input_required` result (M:mrtr). */
export function encodeQuestions(
  idJson: string,
  questions: readonly Question[],
  requestState: string,
  serverInfo: string,
): Bytes {
  const parts: (string | Buffer)[] = ['{"inputRequests":{'];
  for (const [index, { key, request }] of questions.entries()) {
    parts.push(`${index > 0 ? ',' : ''}${JSON.stringify(key)}:{"method":${JSON.stringify(request.method)}`);
    if (request.params) parts.push(',"params":', ownParams(request.params));
    parts.push('}');
  }
  parts.push(`},"requestState":${JSON.stringify(requestState)}}`);
  const result = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return encodeResult(idJson, withResultMembers(result, { resultType: 'input_required', serverInfo }));
}

/** Modern elicitations have no id: nothing announces that a visit is over, the retry does (M:elic). */
function ownParams(params: Buffer): Buffer {
  const view = JsonView.of(params);
  return view.get('elicitationId') ? splice(params, editMembers(view, { remove: ['elicitationId'] })) : params;
}
