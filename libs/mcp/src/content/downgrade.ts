/**
 * Fits a result to an older client revision (protocol.md V6 and 2.6): audio becomes a text note plus an embedded blob
 * resource before 2025-03-26, resource_link becomes text before 2025-06-18; other fields stay. Returns the same buffer
 * when nothing applies; costs nothing for current clients.
 */
export function downgradeResult(_method: string, _result: Buffer, _clientVersion: string): Buffer {
  throw new Error('pending');
}

/** Fits an elicitation's params to an older client: enum schemas (`oneOf` const/title) to `enum` + `enumNames` before 2025-11-25. */
export function downgradeElicitation(_params: Buffer, _clientVersion: string): Buffer {
  throw new Error('pending');
}
