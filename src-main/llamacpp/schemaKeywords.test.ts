import { expect, it } from 'vitest';
import { unknownKeyword } from './schemaKeywords.ts';

it('finds the keyword that would be passed over, at any depth, and leaves names of properties alone', () => {
  const of = (schema: unknown) => unknownKeyword(schema);
  expect(of({ type: 'object', title: 'T', properties: { minimum: { type: 'string', description: 'd' } } })).toBe(
    undefined,
  );
  expect(of({ enum: [{ pattern: 'x' }], default: { not: 1 } })).toBe(undefined);
  expect(of({ oneOf: [{ type: 'null' }, { type: 'string', pattern: '^a' }] })).toBe('pattern');
  expect(of({ type: 'array', items: { anyOf: [] } })).toBe('anyOf');
  expect(of({ $defs: { a: { not: {} } }, $ref: '#/$defs/a' })).toBe('not');
  expect(of({ $ref: '#' })).toBe('$ref');
  let deep: object = {};
  for (let i = 0; i < 100_000; i++) deep = { items: deep };
  expect(of(deep)).toBe('nesting');
});
