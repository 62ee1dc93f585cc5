import { connect } from 'node:net';

/**
 * Sends bytes exactly as given; everything the server sent until it closed. What is well-formed has to say `connection: close`:
 * a client that stops sending counts as one that went away.
 */
export async function wire(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.setTimeout(10_000, () => socket.destroy(new Error('neither an answer nor an end')));
  socket.write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

/** The status of each answer in it. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
