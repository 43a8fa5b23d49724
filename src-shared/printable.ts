/**
 * Text from elsewhere (names of adapters, values of a config, pieces of a tokenizer) for a terminal, where control
 * sequences would move the cursor, hide lines or answer for the user: they are shown as JSON escapes instead. Line
 * breaks and tabs stay; so does the meaning of JSON.
 */

/** C0 but tab and line feed, DEL, C1, and marks that turn the direction of writing. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
