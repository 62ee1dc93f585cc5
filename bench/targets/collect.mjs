/**
 * The whole body of a request.
 * @param {import('node:http').IncomingMessage} request
 * @param {(body: Buffer) => void} whole not called when the sender went away
 */
export function collect(request, whole) {
  /** @type {Buffer | undefined} */
  let first;
  /** @type {Buffer[] | undefined} */
  let more;
  request.on('data', (chunk) => {
    if (first === undefined) first = chunk;
    else if (more === undefined) more = [first, chunk];
    else more.push(chunk);
  });
  request.on('end', () => whole(more ? Buffer.concat(more) : (first ?? Buffer.alloc(0))));
}
