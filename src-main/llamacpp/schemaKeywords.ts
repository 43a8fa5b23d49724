/** Which words of a JSON schema the grammars of llama.cpp have: node-llama-cpp passes over all others. */

/** What node-llama-cpp's GbnfJsonSchema knows. */
const KNOWN = new Set([
  'type',
  'const',
  'enum',
  'oneOf',
  '$defs',
  '$ref',
  'format',
  'minLength',
  'maxLength',
  'properties',
  'additionalProperties',
  'minProperties',
  'maxProperties',
  'required',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
]);
/** These say nothing about the answer. */
const ANNOTATIONS = new Set([
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  '$schema',
  '$id',
  '$comment',
]);
const DEEPEST = 64;

/** The first keyword that would be passed over, or `nesting` where it is too deep; undefined where there is none. */
export function unknownKeyword(schema: unknown, depth = 0): string | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  if (depth > DEEPEST) return 'nesting';
  if (Array.isArray(schema)) return firstOf(schema, depth);
  for (const [word, value] of Object.entries(schema)) {
    if (ANNOTATIONS.has(word)) continue;
    if (!KNOWN.has(word) || (word === '$ref' && !String(value).startsWith('#/$defs/'))) return word;
    const found = below(word, value, depth);
    if (found !== undefined) return found;
  }
  return undefined;
}

function below(word: string, value: unknown, depth: number): string | undefined {
  switch (word) {
    case 'properties':
    case '$defs':
      return firstOf(Object.values(Object(value) as object), depth);
    case 'items':
    case 'prefixItems':
    case 'oneOf':
    case 'additionalProperties':
      return unknownKeyword(value, depth + 1);
    default:
      return undefined;
  }
}

function firstOf(schemas: unknown[], depth: number): string | undefined {
  for (const schema of schemas) {
    const found = unknownKeyword(schema, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
