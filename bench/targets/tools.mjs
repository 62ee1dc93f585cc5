/** Tools fall into ten groups by their number; the group is in the name, so that one pattern can mean one group. */
export const GROUPS = 10;

const DESCRIPTION =
  'Gives back the text it was given. This description is as long as those of real servers are: it says when to use the tool, when not to, and what comes back.';

/** @param {number} index */
export function toolName(index) {
  return `tool-${String(index).padStart(4, '0')}-g${index % GROUPS}`;
}

/** @param {string} name */
export function groupOf(name) {
  return Number(name.slice(name.lastIndexOf('-g') + 2));
}

/**
 * About 500 bytes of JSON, as tools of real servers have. Every tool is the same echo.
 * @param {number} index
 * @returns {Record<string, unknown>}
 */
export function toolDefinition(index) {
  return {
    name: toolName(index),
    title: `Tool number ${index}`,
    description: DESCRIPTION,
    inputSchema: {
      type: 'object',
      properties: { text: { type: 'string', description: 'What to give back, word for word' } },
      required: ['text'],
    },
    annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  };
}
