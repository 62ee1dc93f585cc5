/** What `JSON.stringify` leaves as it is, and a terminal or a reader of lines may act on: C1 controls, separators, directions. */
const UNSEEN = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The same JSON, with every character escaped that could make something else of its line. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
