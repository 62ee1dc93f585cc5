import {
  type Edit,
  editMembers,
  type JsonType,
  type JsonView,
  type ListKind,
  needsProjection,
  type ParamHeaders,
  scanParamHeaders,
  splice,
  stripParamHeaders,
} from '#libs/mcp';
import { checkObjectSchema } from './check-schema.js';
import { type ItemLimits, LIMIT_KEYS } from './item-limits.js';
import { withPlainTexts } from './plain-texts.js';
import { nameFault, uriFault } from './text.js';

/** What one list item is worth. */
export type ItemCheck =
  | {
      readonly kind: 'good';
      readonly name: string;
      readonly raw: Buffer;
      readonly repairs: readonly string[];
      readonly paramHeaders?: ParamHeaders;
      readonly wrapsOutput?: boolean;
      readonly repeatable?: boolean;
      /** Key of a limit for which something was taken away. */
      readonly limit?: string;
    }
  | { readonly kind: 'bad'; readonly name: string; readonly reason: string; readonly limit?: string };

/** What of an upstream decides how its items are judged. */
export interface Origin {
  /** 2026-07-28 or later. */
  readonly modern: boolean;
  /** Reached over HTTP: parameters travel in headers too. */
  readonly http: boolean;
}

/** The member that names an item of each list. */
const IDENTITY: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  templates: 'uriTemplate',
};

/** Members of the protocol that clients refuse in any other type, with the whole list. */
const OPTIONAL: Readonly<Record<string, JsonType>> = {
  title: 'string',
  description: 'string',
  mimeType: 'string',
  size: 'number',
  annotations: 'object',
  icons: 'array',
  _meta: 'object',
};

const BY_KIND: Readonly<Record<ListKind, readonly string[]>> = {
  tools: ['title', 'description', 'annotations', 'icons', '_meta'],
  prompts: ['title', 'description', 'icons', '_meta'],
  resources: ['title', 'description', 'mimeType', 'size', 'annotations', 'icons', '_meta'],
  templates: ['title', 'description', 'mimeType', 'annotations', 'icons', '_meta'],
};

/** Members that must not be given twice: the gateway and a client could each read another one. */
const ONCE = new Set(['name', 'uri', 'uriTemplate', 'inputSchema', 'outputSchema', 'arguments', '_meta']);

/**
 * Checks one item on its own. What is harmlessly wrong is mended by splicing, so that all other bytes, unknown members
 * and large integers included, stay as the upstream wrote them.
 */
export function checkItem(kind: ListKind, sent: JsonView, origin: Origin, limits: ItemLimits): ItemCheck {
  if (sent.type !== 'object') return { kind: 'bad', name: '', reason: 'it is not an object' };
  const { item, repairs: cleaned, cut } = withPlainTexts(sent, limits.description);
  const member = IDENTITY[kind];
  const { members, repeated } = read(item);
  const name = members.get(member)?.string();
  const bad = (reason: string, limit?: string): ItemCheck => ({
    kind: 'bad',
    name: name ?? '',
    reason,
    ...(limit !== undefined && { limit }),
  });
  let limit: string | undefined = cut ? LIMIT_KEYS.description : undefined;

  if (name === undefined) return bad(`it has no ${member} that is a string`);
  const fault = kind === 'tools' || kind === 'prompts' ? nameFault(name) : uriFault(name);
  if (fault) return bad(`its ${member} ${fault}`);
  if (repeated) return bad(`it has more than one ${repeated}`);
  if (member !== 'name' && members.get('name')?.type !== 'string') return bad('it has no name that is a string');

  const edits: Edit[] = [];
  const repairs: string[] = [...cleaned];
  const drop: string[] = [];
  let paramHeaders: ParamHeaders | undefined;
  let strip = false;
  let wrapsOutput = false;
  for (const optional of BY_KIND[kind]) {
    const value = members.get(optional);
    if (!value || value.type === OPTIONAL[optional]) continue;
    drop.push(optional);
    repairs.push(`${optional} dropped: not ${OPTIONAL[optional]}`);
  }

  if (kind === 'tools') {
    const input = members.get('inputSchema');
    if (!input) return bad('it has no inputSchema');
    // Tasks are not relayed, and such a tool refuses every other call.
    if (members.get('execution')?.get('taskSupport')?.string() === 'required') return bad('it runs as a task only');
    const check = checkObjectSchema(input, limits.schema);
    if (check.fault) return bad(`its inputSchema ${check.fault}`, check.tooLarge ? LIMIT_KEYS.schema : undefined);
    edits.push(...check.edits);
    repairs.push(...check.repairs.map((repair) => `inputSchema: ${repair}`));
    const declared = scanParamHeaders(input);
    if (declared.fault !== undefined) {
      if (origin.modern && origin.http) return bad(`its inputSchema ${declared.fault}`);
      strip = true;
      repairs.push(`inputSchema: x-mcp-header dropped, it ${declared.fault}`);
    }
    if (declared.headers.size > 0) paramHeaders = declared.headers;
    const output = checkOutput(members.get('outputSchema'), origin.modern, limits.schema);
    if (output.tooLarge) limit ??= LIMIT_KEYS.schema;
    edits.push(...output.edits);
    repairs.push(...output.repairs);
    if (output.drop) drop.push('outputSchema');
    else wrapsOutput = needsProjection(item);
  }
  if (kind === 'prompts') {
    const args = members.get('arguments');
    if (args?.type === 'null') {
      drop.push('arguments');
      repairs.push('arguments: null dropped');
    } else if (args && !areArguments(args)) return bad('its arguments are not an array of objects with names');
  }
  if (drop.length > 0) edits.push(...editMembers(item, { remove: drop }));
  const mended = edits.length > 0 ? splice(item.bytes, edits, item) : item.raw();
  const raw = strip ? stripParamHeaders(mended) : mended;
  return {
    kind: 'good',
    name,
    raw,
    repairs,
    ...(paramHeaders && { paramHeaders }),
    ...(wrapsOutput && { wrapsOutput }),
    ...(kind === 'tools' && mayRepeat(members.get('annotations')) && { repeatable: true }),
    ...(limit !== undefined && { limit }),
  };
}

/** What a tool says of itself: it changes nothing, or nothing more when it is called again. */
function mayRepeat(annotations: JsonView | undefined): boolean {
  if (annotations?.type !== 'object') return false;
  return ['readOnlyHint', 'idempotentHint'].some((hint) => annotations.get(hint)?.value() === true);
}

function checkOutput(schema: JsonView | undefined, modern: boolean, maxBytes: number) {
  if (!schema) return { drop: false, edits: [], repairs: [] };
  // 2026-07-28 allows any schema here, the revisions before it object schemas only.
  const anySchema = modern && schema.type === 'object' && schema.get('type')?.string() !== 'object';
  const check = anySchema ? { edits: [], repairs: [] } : checkObjectSchema(schema, maxBytes);
  if (check.fault) {
    const repairs = [`outputSchema dropped: it ${check.fault}`];
    return { drop: true, edits: [], repairs, tooLarge: check.tooLarge };
  }
  return { drop: false, edits: check.edits, repairs: check.repairs.map((repair) => `outputSchema: ${repair}`) };
}

function areArguments(args: JsonView): boolean {
  return args.type === 'array' && args.items().every((argument) => argument.get('name')?.type === 'string');
}

/** One pass over the members, with the first that is given twice and must not be. */
function read(item: JsonView): { members: ReadonlyMap<string, JsonView>; repeated: string | undefined } {
  const members = new Map<string, JsonView>();
  let repeated: string | undefined;
  for (const { key, value } of item.members()) {
    if (members.has(key) && ONCE.has(key)) repeated ??= key;
    members.set(key, value);
  }
  return { members, repeated };
}
