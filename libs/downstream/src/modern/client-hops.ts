import type { ClientHop } from '#libs/kernel';
import type { JsonView } from '#libs/mcp';

/** Most that are kept, and the most bytes one may have said. Strangers can fill it, so it begins anew when it is full. */
const MAX_KNOWN = 256;
const MAX_BYTES = 4_096;
/** Of equally long sayings: more than these are not looked through for one. */
const MAX_ALIKE = 8;

interface Known {
  readonly info: Buffer;
  readonly capabilities: Buffer;
  readonly hop: ClientHop;
}

/**
 * What modern clients say of themselves, which each of them repeats with every request: read once. One is known again when
 * its bytes are the very same.
 */
export class ClientHops {
  /** By how long they are. */
  readonly #known = new Map<number, Known[]>();
  #size = 0;

  /** `capabilities` is an object; `version` is one the gateway speaks. */
  read(version: string, info: JsonView | undefined, capabilities: JsonView): ClientHop {
    const infoLength = info ? info.end - info.start : 0;
    const length = capabilities.end - capabilities.start;
    const alike = this.#known.get(infoLength * MAX_BYTES + length);
    if (alike) {
      for (const known of alike) {
        const same = known.hop.version === version && isAt(capabilities, known.capabilities);
        if (same && (info === undefined ? known.info.length === 0 : isAt(info, known.info))) return known.hop;
      }
    }
    const hop = hopOf(version, info, capabilities);
    if (infoLength < MAX_BYTES && length < MAX_BYTES) {
      const copied = info ? Buffer.from(info.raw()) : NOTHING;
      this.#keep(infoLength * MAX_BYTES + length, {
        hop,
        info: copied,
        capabilities: Buffer.from(capabilities.raw()),
      });
    }
    return hop;
  }

  #keep(length: number, known: Known): void {
    if (this.#size >= MAX_KNOWN) {
      this.#known.clear();
      this.#size = 0;
    }
    const alike = this.#known.get(length);
    if (alike && alike.length < MAX_ALIKE) alike.push(known);
    else this.#known.set(length, [known]);
    this.#size++;
  }
}

function hopOf(version: string, info: JsonView | undefined, capabilities: JsonView): ClientHop {
  return {
    era: 'modern',
    version,
    name: info?.get('name')?.string() ?? '',
    clientVersion: info?.get('version')?.string() ?? '',
    capabilities: capabilities.value() as ClientHop['capabilities'],
  };
}

/** Byte by byte: they are short, and nothing has to be made for it. */
function isAt({ bytes, start, end }: JsonView, known: Buffer): boolean {
  if (end - start !== known.length) return false;
  for (let i = 0; i < known.length; i++) if (bytes[start + i] !== known[i]) return false;
  return true;
}

const NOTHING = Buffer.alloc(0);
