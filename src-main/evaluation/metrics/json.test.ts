import { expect, it } from 'vitest';
import { fieldMatch, jsonValidity } from './json.ts';

it('JSON is valid as a whole, or not', () => {
  expect(jsonValidity(' {"a": [1, null]}\n')).toBe(1);
  expect(jsonValidity('{"a": 1} and more')).toBe(0);
  expect(jsonValidity('')).toBe(0);
});

it('fields match by path and value', () => {
  const reference = '{"name": "Ann", "age": 3, "tags": ["a", "b"]}';
  expect(fieldMatch('{"tags": ["a", "b"], "age": 3.0, "name": "Ann"}', [reference])).toBe(1);
  // name and tags/0 are the same; age and tags/1 are not, and extra is one field too many: 2 · 2 / (5 + 4)
  expect(fieldMatch('{"name":"Ann","age":"3","tags":["a","c"],"extra":true}', [reference])).toBeCloseTo(4 / 9, 12);
  expect(fieldMatch('{"tags": ["b", "a"]}', [reference])).toBe(0);
  expect(fieldMatch('no JSON', [reference])).toBe(0);
  expect(fieldMatch('{"a": []}', ['{"a": {}}', '{"a": []}'])).toBe(1);
  expect(fieldMatch('1', ['no JSON', '1'])).toBe(1);
  expect(fieldMatch('{"__proto__": 1}', ['{"__proto__": 1}'])).toBe(1);
});

it('reads an answer that nests deeper than calls can', () => {
  const deep = '['.repeat(5000) + ']'.repeat(5000);
  expect(fieldMatch(deep, [deep])).toBe(1);
});
