import { isObject } from '#libs/kernel';

// Which declared client capabilities matter to a gateway, as one byte. `elicitation: {}` and `elicitation: {form: {}}`
// mean the same, but upstreams get to see which of the two it was.
const ELICITATION = 1;
const ELICITATION_FORM = 2;
const ELICITATION_URL = 4;
const SAMPLING = 8;
const SAMPLING_TOOLS = 16;
const SAMPLING_CONTEXT = 32;
const ROOTS = 64;
const ROOTS_LIST_CHANGED = 128;

/** Packs what a client declared. Everything else (`experimental`, tasks, unknown members) is dropped. */
export function packCapabilities(declared: unknown): number {
  const elicitation = member(declared, 'elicitation');
  const sampling = member(declared, 'sampling');
  const roots = member(declared, 'roots');
  return (
    bit(isObject(elicitation), ELICITATION) |
    bit(isObject(member(elicitation, 'form')), ELICITATION_FORM) |
    bit(isObject(member(elicitation, 'url')), ELICITATION_URL) |
    bit(isObject(sampling), SAMPLING) |
    bit(isObject(member(sampling, 'tools')), SAMPLING_TOOLS) |
    bit(isObject(member(sampling, 'context')), SAMPLING_CONTEXT) |
    bit(isObject(roots), ROOTS) |
    bit(member(roots, 'listChanged') === true, ROOTS_LIST_CHANGED)
  );
}

/** There are no more than 256 of them, so each is one object: what others work out of it, they work out once. */
const unpacked: Readonly<Record<string, unknown>>[] = [];

/** The capabilities object that the packed byte stands for. */
export function unpackCapabilities(bits: number): Readonly<Record<string, unknown>> {
  unpacked[bits] ??= unpack(bits);
  return unpacked[bits];
}

function unpack(bits: number): Readonly<Record<string, unknown>> {
  const capabilities: Record<string, unknown> = {};
  if (bits & ELICITATION) {
    capabilities['elicitation'] = {
      ...((bits & ELICITATION_FORM) !== 0 && { form: {} }),
      ...((bits & ELICITATION_URL) !== 0 && { url: {} }),
    };
  }
  if (bits & SAMPLING) {
    capabilities['sampling'] = {
      ...((bits & SAMPLING_TOOLS) !== 0 && { tools: {} }),
      ...((bits & SAMPLING_CONTEXT) !== 0 && { context: {} }),
    };
  }
  if (bits & ROOTS) capabilities['roots'] = (bits & ROOTS_LIST_CHANGED) !== 0 ? { listChanged: true } : {};
  return Object.freeze(capabilities);
}

function bit(on: boolean, value: number): number {
  return on ? value : 0;
}

function member(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
