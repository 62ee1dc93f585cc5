/** A text as bytes that share their memory with nobody: a small `Buffer.from` that is kept keeps a slab of 64 KiB with it. */
export function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
