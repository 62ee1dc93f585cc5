import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { isObject } from '#libs/kernel';
import { firstLine, printable, table } from '../table.js';

/** A tool with what it takes and gives, for people. `tools --json` has the schemas themselves. */
export function schemaText(tool: Tool, columns: number): string {
  const about = printable(tool.description ?? tool.title ?? '').trim();
  const hints = Object.entries(tool.annotations ?? {}).flatMap(([name, value]) => (value === true ? [name] : []));
  return [
    firstLine(tool.name),
    ...(about === '' ? [] : about.split('\n').map((line) => `  ${line}`)),
    ...(hints.length > 0 ? [`  hints: ${hints.map(firstLine).join(', ')}`] : []),
    ...section('takes', tool.inputSchema, columns),
    ...(tool.outputSchema ? section('gives', tool.outputSchema, columns) : []),
  ].join('\n');
}

function section(title: string, schema: object, columns: number): string[] {
  const { properties, required } = schema as { properties?: unknown; required?: unknown };
  const fields = isObject(properties) ? Object.entries(properties) : [];
  if (fields.length === 0) return [`  ${title}: nothing that its schema names`];
  const needed = new Set(Array.isArray(required) ? required : []);
  const rows = fields.map(([name, field]) => [
    firstLine(name),
    typeText(field),
    needed.has(name) ? 'required' : '',
    isObject(field) && typeof field['description'] === 'string' ? firstLine(field['description']) : '',
  ]);
  return [`  ${title}:`, ...table(rows, columns - 4).map((line) => `    ${line}`)];
}

/** A type as one would say it: `string`, `number[]`, `red | green`, `string, default x`. */
function typeText(field: unknown): string {
  if (!isObject(field)) return 'any';
  const fallback = 'default' in field ? `, default ${firstLine(JSON.stringify(field['default']) ?? '')}` : '';
  return `${bareType(field)}${fallback}`;
}

function bareType(field: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(field['enum'])) return field['enum'].map((value) => firstLine(String(value))).join(' | ');
  const branches = field['anyOf'] ?? field['oneOf'];
  if (Array.isArray(branches))
    return branches.map((branch) => (isObject(branch) ? bareType(branch) : 'any')).join(' | ');
  const { type } = field;
  if (type === 'array') return `${isObject(field['items']) ? bareType(field['items']) : 'any'}[]`;
  if (Array.isArray(type)) return type.map(String).map(firstLine).join(' | ');
  return typeof type === 'string' ? firstLine(type) : 'any';
}
