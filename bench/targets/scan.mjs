/**
 * Finds a member of JSON by its bytes. The text has been parsed before, so it is well formed; and this is a measuring
 * instrument, so duplicates and escaped spellings of a key are nobody's attack.
 */
const [QUOTE, BACKSLASH, COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x22, 0x5c, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d];

/**
 * @param {Buffer} json
 * @param {number} at where the object's brace is
 * @param {Buffer} key
 * @returns {number} where the member's value begins, -1 without one
 */
export function memberAt(json, at, key) {
  let next = skipBlanks(json, at + 1);
  while (json[next] === QUOTE) {
    const behindKey = behindString(json, next);
    const isIt = behindKey - next - 2 === key.length && json.compare(key, 0, key.length, next + 1, behindKey - 1) === 0;
    const value = skipBlanks(json, skipBlanks(json, behindKey) + 1);
    if (isIt) return value;
    next = skipBlanks(json, behindValue(json, value));
    if (json[next] === COMMA) next = skipBlanks(json, next + 1);
  }
  return -1;
}

/**
 * @param {Buffer} json
 * @param {number} at where the value begins
 * @returns {number} the first byte behind it
 */
export function behindValue(json, at) {
  if (json[at] === QUOTE) return behindString(json, at);
  let depth = 0;
  for (let next = at; next < json.length; next++) {
    const byte = json[next];
    if (byte === QUOTE) next = behindString(json, next) - 1;
    else if (byte === OPEN || byte === OPEN_LIST) depth += 1;
    else if (byte === CLOSE || byte === CLOSE_LIST) {
      if (depth === 0) return next;
      if (--depth === 0) return next + 1;
    } else if (byte === COMMA && depth === 0) return next;
  }
  return json.length;
}

/**
 * @param {Buffer} json
 * @param {number} at where the opening quote is
 */
function behindString(json, at) {
  let end = json.indexOf(QUOTE, at + 1);
  while (json[end - 1] === BACKSLASH && isEscaped(json, end)) end = json.indexOf(QUOTE, end + 1);
  return end + 1;
}

/**
 * Whether an odd number of backslashes stands before the byte.
 * @param {Buffer} json
 * @param {number} at
 */
function isEscaped(json, at) {
  let count = 0;
  while (json[at - 1 - count] === BACKSLASH) count += 1;
  return count % 2 === 1;
}

/**
 * @param {Buffer} json
 * @param {number} at
 */
function skipBlanks(json, at) {
  let next = at;
  while (/** @type {number} */ (json[next]) <= 0x20) next += 1;
  return next;
}
