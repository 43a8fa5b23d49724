/** A value out of somebody's file as a sentence shows it: JSON, cut where it is long. */

const MOST_CHARACTERS = 120;

export function shownValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)} …`;
}
