import { BACKSLASH, stringEquals } from './bytes.js';
import { hashStep } from './unique-keys.js';

/**
 * What those who put an answer into a client's terms look for in it: keys and values, a bit for each kind. A scan sees
 * every one of them anyway, and so notes which there are, anywhere in the message. A bit that is set may be wrong (a hash
 * that is the same, an escaped spelling); one that is not set never is.
 */
export const MARKS = {
  /** The key `_meta`. */
  meta: 1,
  /** `uri` and the keys of user interface resources. */
  uri: 2,
  isError: 4,
  structuredContent: 8,
  /** What the modern era adds to every result. */
  envelope: 16,
  /** What belongs to modern questions. */
  questions: 32,
  /** The value `resource_link`. */
  link: 64,
  /** The value `audio`. */
  audio: 128,
} as const;

/** Nobody looked. */
export const ALL_MARKS = 255;

const KEYS: Readonly<Record<string, number>> = {
  _meta: MARKS.meta,
  uri: MARKS.uri,
  resourceUri: MARKS.uri,
  'ui/resourceUri': MARKS.uri,
  isError: MARKS.isError,
  structuredContent: MARKS.structuredContent,
  resultType: MARKS.envelope,
  ttlMs: MARKS.envelope,
  cacheScope: MARKS.envelope,
  requestState: MARKS.questions,
  inputRequests: MARKS.questions,
};

interface Candidate {
  readonly hash: number;
  readonly mark: number;
}

/** The keys by their length: hashes of other lengths are not even looked at. */
const BY_LENGTH: (readonly Candidate[] | undefined)[] = [];
for (const [key, mark] of Object.entries(KEYS)) {
  let hash = 0;
  for (const byte of Buffer.from(key)) hash = hashStep(hash, byte);
  BY_LENGTH[key.length] = [...(BY_LENGTH[key.length] ?? []), { hash, mark }];
}

/** The mark of a key that holds no escape, by its length without quotes and the hash of its bytes. */
export function keyMark(length: number, hash: number): number {
  const candidates = BY_LENGTH[length];
  if (candidates) for (const candidate of candidates) if (candidate.hash === hash) return candidate.mark;
  return 0;
}

/** Both values, every character escaped and in quotes, are no longer. */
const LONGEST_VALUE = 80;
const LETTER_A = 0x61;
const LETTER_R = 0x72;

/** The mark of the quoted string at `start`..`end`. */
export function valueMark(bytes: Buffer, start: number, end: number): number {
  if (end - start > LONGEST_VALUE) return 0;
  switch (bytes[start + 1]) {
    case LETTER_A:
      return stringEquals(bytes, start, end, 'audio') ? MARKS.audio : 0;
    case LETTER_R:
      return stringEquals(bytes, start, end, 'resource_link') ? MARKS.link : 0;
    case BACKSLASH:
      return MARKS.audio | MARKS.link;
    default:
      return 0;
  }
}
