function tally(checks) {
  const counts = new Map();
  for (const check of checks) {
    const key = `${check.id} ${check.status}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** What the two runs of one scenario disagree on: `-` only the direct run has it, `+` only the gateway's. */
export function differences(direct, through) {
  const [left, right] = [tally(direct), tally(through)];
  const lines = [];
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const delta = (right.get(key) ?? 0) - (left.get(key) ?? 0);
    if (delta === 0) continue;
    const message =
      delta > 0 ? through.find((check) => `${check.id} ${check.status}` === key)?.errorMessage : undefined;
    lines.push(`${delta > 0 ? '+' : '-'} ${key}${message ? `: ${message}` : ''}`);
  }
  return lines.sort();
}

/** A line of `differences` that the gateway must not have: a check lost, or one that says something is wrong. */
export function isWorse(line) {
  return /^- \S+ SUCCESS|^\+ \S+ (FAILURE|WARNING)/.test(line);
}

/** Passed means: the suite saw at least one success and no failure. */
export function passed(checks) {
  return checks.some((check) => check.status === 'SUCCESS') && !checks.some((check) => check.status === 'FAILURE');
}

export function count(checks) {
  const of = (status) => checks.filter((check) => check.status === status).length;
  return `${of('SUCCESS')}/${of('FAILURE')}${of('WARNING') ? ` (${of('WARNING')} warnings)` : ''}`;
}

/** Ids of the checks that failed. */
export function failures(checks) {
  return checks.filter((check) => check.status === 'FAILURE').map((check) => check.id);
}
