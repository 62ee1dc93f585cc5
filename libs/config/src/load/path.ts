/** Where a value stands in the configuration, from the root: keys and list positions. */
export type Path = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** `$.proxy.servers[1].connection.url`; keys that are not plain words are quoted: `$.auth.mappings["groups:Admin"]`. */
export function showPath(path: Path): string {
  let text = '$';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += PLAIN_KEY.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  }
  return text;
}

const PART = /\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g;

/** The inverse of `showPath`. */
export function parsePath(text: string): Path {
  return [...text.matchAll(PART)].map(([, plain, index, quoted]) => {
    if (index !== undefined) return Number(index);
    return plain ?? (JSON.parse(quoted ?? '""') as string);
  });
}
