// Asks the gateway in this container for /live or /ready: `node healthcheck.mjs live`. Exit code 0 when it is well.
// The image has no curl, and the port is the one that MCP_GATEWAY_PORT has the gateway listen on.
const [route = 'live'] = process.argv.slice(2);
const port = process.env.MCP_GATEWAY_PORT || '8082';
const url = `http://127.0.0.1:${port}/${route}`;

/** Milliseconds; less than the timeout of HEALTHCHECK, so that the reason is in `docker inspect`. */
const PATIENCE = 4_000;

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
  const body = (await response.text()).slice(0, 200);
  process.stdout.write(`${url} answered ${response.status} ${body}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${url} did not answer: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
