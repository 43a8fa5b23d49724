/** Answers against schemas, by hand and by what the JSON Schema specification says of each keyword. */
import { expect, it } from 'vitest';
import { schemaMetric } from './jsonSchema.ts';

const PERSON = JSON.stringify({
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0 },
    tags: { type: 'array', items: { enum: ['a', 'b'] } },
  },
  required: ['name', 'age'],
  additionalProperties: false,
});

it.each([
  ['{"name": "Ada", "age": 36}', 1],
  [' {"age": 0, "name": "x", "tags": ["a", "b", "a"]}\n', 1],
  ['{"name": "Ada"}', 0],
  ['{"name": "", "age": 1}', 0],
  ['{"name": "Ada", "age": 1.5}', 0],
  ['{"name": "Ada", "age": -1}', 0],
  ['{"name": "Ada", "age": 36, "tags": ["c"]}', 0],
  ['{"name": "Ada", "age": 36, "more": true}', 0],
  ['["Ada", 36]', 0],
  ['name: Ada', 0],
])('%s', (answer, allowed) => expect(schemaMetric(PERSON)(answer)).toBe(allowed));

it('a choice of types, and references within the schema', () => {
  const schema = JSON.stringify({
    $defs: { size: { anyOf: [{ type: 'number' }, { const: 'unknown' }] } },
    type: 'object',
    properties: { size: { $ref: '#/$defs/size' } },
    required: ['size'],
  });
  const of = schemaMetric(schema);
  expect([of('{"size": 3}'), of('{"size": "unknown"}'), of('{"size": "big"}')]).toEqual([1, 1, 0]);
});

it.each([['{'], ['[]'], ['"text"'], ['{"type": "shape"}'], ['{"$ref": "https://example.com/other.json"}']])(
  '%s is no schema',
  (text) => expect(() => schemaMetric(text)).toThrow(/^The JSON schema for answers .*; correct it\.$/),
);
