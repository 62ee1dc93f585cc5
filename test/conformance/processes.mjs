import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const children = new Set();

/** Starts a child whose output is kept for the report, and which is ended by `stopAll`. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  children.add(child);
  child.output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk) => {
      child.output = (child.output + chunk).slice(-64 * 1024);
    });
  }
  child.ended = once(child, 'close').then(([code, signal]) => {
    children.delete(child);
    return code ?? signal;
  });
  return child;
}

/** Waits for the child to end by itself, at most `ms`. */
export async function ended(child, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${child.spawnargs.join(' ')} did not end in ${ms} ms`)), ms);
  });
  return Promise.race([child.ended, late]).finally(() => clearTimeout(timer));
}

/** TERM, and KILL for whoever does not go within five seconds. */
export async function stop(child) {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await child.ended;
  clearTimeout(timer);
}

/** Ends everything `start` started. */
export async function stopAll() {
  await Promise.all([...children].map(stop));
}

/** Calls `probe` until it returns something: at most `ms`, and not longer than `child` lives. */
export async function until(what, child, ms, probe) {
  const end = Date.now() + ms;
  let reason = '';
  while (Date.now() < end && child.exitCode === null) {
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      reason = ` (${error.message})`;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const failed = child.exitCode === null ? `not within ${ms} ms` : `exited with ${child.exitCode}`;
  throw new Error(`${what}: ${failed}${reason}\n${child.output.slice(-4096)}`);
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
