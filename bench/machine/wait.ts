/** Promise-based sleep; for pauses of a measurement, not for conditions. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks until there is an answer.
 * @throws Error naming `what`, after `ms`; whatever `probe` throws, at once
 */
export async function until<T>(
  what: string,
  ms: number,
  probe: () => T | undefined | Promise<T | undefined>,
  pause = 10,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await sleep(pause);
  }
}
