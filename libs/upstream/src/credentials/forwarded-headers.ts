import type { ClientHeaders } from '#libs/kernel';
import { isFieldValue } from './header-rules.js';

export type Forwarded = (headers: ClientHeaders) => Readonly<Record<string, string>> | undefined;

/**
 * What `forward_headers` lets through of a caller's request. Names were judged with the configuration; values come from
 * strangers and are judged here: one a header cannot carry stays behind. Only exact names: `x_tenant` is not `x-tenant`.
 */
export function forwarding(names: readonly string[]): Forwarded | undefined {
  if (names.length === 0) return undefined;
  return (headers) => {
    let found: Record<string, string> | undefined;
    for (const name of names) {
      const value = headers[name];
      if (typeof value !== 'string' || !isFieldValue(value)) continue;
      found ??= {};
      found[name] = value;
    }
    return found;
  };
}
