/** Answers that shall be JSON: whether they are, and which fields they have in common with a reference. */

/** The value of a text that is JSON as a whole, but for white space around it. */
export function jsonOf(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** 1 for JSON, else 0. */
export function jsonValidity(answer: string): number {
  return jsonOf(answer) ? 1 : 0;
}

/**
 * F1 of the fields, each its path with its value: 2 · same / (fields of the answer + fields of the reference); 0 where
 * the answer is no JSON. The order of an object's fields does not matter, that of a list does. References that are no
 * JSON are passed over; of several the best counts.
 */
export function fieldMatch(answer: string, references: readonly string[]): number {
  const own = jsonOf(answer);
  if (!own) return 0;
  const fields = fieldsOf(own.value);
  return Math.max(
    0,
    ...references.flatMap((reference) => {
      const wanted = jsonOf(reference);
      return wanted ? [f1(fields, fieldsOf(wanted.value))] : [];
    }),
  );
}

/** Every leaf by its path; an empty list or object is one. */
function fieldsOf(whole: unknown): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  // A loop, since an answer may be nested deeper than calls can be.
  const left: [path: string, value: unknown][] = [['', whole]];
  for (let next = left.pop(); next; next = left.pop()) {
    const [path, value] = next;
    const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    if (inner.length === 0) fields.set(path, leafOf(value));
    for (const [name, child] of inner) left.push([`${path}/${JSON.stringify(name)}`, child]);
  }
  return fields;
}

function leafOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? '[]' : '{}';
}

function f1(own: ReadonlyMap<string, unknown>, wanted: ReadonlyMap<string, unknown>): number {
  let same = 0;
  for (const [path, value] of own) if (wanted.has(path) && wanted.get(path) === value) same++;
  return (2 * same) / (own.size + wanted.size);
}
