/**
 * Changes a value of a JSON file and leaves every other byte as it is: literals such as 10.0, 1e-05 or -0.0, integers
 * that no double holds, escapes, duplicate keys and indentation.
 */
import fs from 'node:fs';
import { parseTree, type Node } from 'jsonc-parser';

type JsonValue = string | number | boolean | readonly number[];

/** As setInJson, for a file that is valid JSON. */
export function setInJsonFile(file: string, path: readonly [...string[], string], value: JsonValue): void {
  // One character per byte, so that even bytes that are no UTF-8 come back as they were; keys and values are ASCII.
  fs.writeFileSync(file, setInJson(fs.readFileSync(file, 'latin1'), path, value), 'latin1');
}

/**
 * Sets a field below the object that `text` holds, in every place where its key stands (Python's json takes the last of
 * several, other readers the first), or adds it after the others. A path through objects that are not there changes
 * nothing.
 */
export function setInJson(text: string, path: readonly [...string[], string], value: JsonValue): string {
  const key = path.at(-1)!;
  const bom = /^(\uFEFF|\xEF\xBB\xBF)?/.exec(text)![0];
  let parents = [parseTree(text.slice(bom.length))];
  for (const name of path.slice(0, -1)) parents = parents.flatMap((parent) => valuesOf(parent, name));
  const edits = parents.flatMap((parent) => {
    const places = valuesOf(parent, key).map(({ offset, length }) => ({ offset, length, text: literal(value) }));
    return places.length > 0 || parent?.type !== 'object'
      ? places
      : [addition(text.slice(bom.length), parent, key, value)];
  });
  return edits.reduceRight(
    (changed, { offset, length, text: added }) =>
      changed.slice(0, bom.length + offset) + added + changed.slice(bom.length + offset + length),
    text,
  );
}

function valuesOf(node: Node | undefined, key: string): Node[] {
  return (node?.children ?? []).flatMap(({ type, children }) =>
    type === 'property' && children?.[0]?.value === key ? children.slice(1) : [],
  );
}

/** A field after the last one, set off as that one is. */
function addition(text: string, { offset, children = [] }: Node, key: string, value: JsonValue) {
  const field = `${JSON.stringify(key)}: ${literal(value)}`;
  const last = children.at(-1);
  if (!last) return { offset: offset + 1, length: 0, text: field };
  const space = /\s*$/.exec(text.slice(0, last.offset))![0];
  return { offset: last.offset + last.length, length: 0, text: `,${space}${field}` };
}

/** Lists on one line, as model folders have them. */
function literal(value: JsonValue): string {
  return typeof value === 'object' ? `[${value.join(', ')}]` : JSON.stringify(value);
}
