/** One field of a JSON file changes and every other byte stays. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { setInJson, setInJsonFile } from './jsonEdit.ts';

/** What JSON.parse and JSON.stringify would not give back. */
const LITERALS =
  '"attn_logit_softcapping": 50.0, "final": 30.0,\t"eps": 1e-05, "zero": -0.0, "id": 9007199254740993123, ' +
  '"big": 1E+400, "name": "\\u00e9\\/\\ud83d", "twice": 1, "twice": 2, "list": [ 1 ,2.0 ]';

describe('setInJson', () => {
  it.each([
    ['on one line', `{${LITERALS}, "torch_dtype": "float32"}`],
    ['indented', `{\n    ${LITERALS},\r\n    "torch_dtype" :\n"float32"\n\n}\n\n`],
    ['after a byte order mark', `\uFEFF{ ${LITERALS}, "torch_dtype":"float32" }`],
  ])('changes nothing but the value, %s', (_, text) => {
    expect(setInJson(text, ['torch_dtype'], 'bfloat16')).toBe(text.replace('float32', 'bfloat16'));
    expect(setInJson(text, ['twice'], 3)).toBe(text.replace('"twice": 1, "twice": 2', '"twice": 3, "twice": 3'));
  });

  it('finds a key that is written with escapes, and leaves the same name further down alone', () => {
    expect(setInJson('{"in": {"eos_token_id": 1}, "eos\\u005ftoken_id": 2.0}', ['eos_token_id'], [2, 511])).toBe(
      '{"in": {"eos_token_id": 1}, "eos\\u005ftoken_id": [2, 511]}',
    );
    expect(setInJson('{"a": {"n": 1, "m": 5.0}, "n": 2}', ['a', 'n'], 3)).toBe('{"a": {"n": 3, "m": 5.0}, "n": 2}');
  });

  it('adds a field after the others, set off as they are', () => {
    expect(setInJson('{\n\t"a": 10.0\n}\n', ['b'], 'x')).toBe('{\n\t"a": 10.0,\n\t"b": "x"\n}\n');
    expect(setInJson('{"a": 10.0}', ['b'], [1])).toBe('{"a": 10.0,"b": [1]}');
    expect(setInJson('{}', ['b'], 1)).toBe('{"b": 1}');
    expect(setInJson('{"a": 10.0}', ['metadata', 'total_size'], 1)).toBe('{"a": 10.0}');
  });

  it('keeps the bytes of a file, whatever they are', () => {
    const file = path.join(temporaryFolder(), 'config.json');
    const bytes = (dtype: string): Buffer =>
      Buffer.concat([Buffer.from(`{"name": "é €`), Buffer.from([0xff, 0xc3]), Buffer.from(`", "dtype": "${dtype}"}`)]);
    fs.writeFileSync(file, bytes('float32'));
    setInJsonFile(file, ['dtype'], 'float16');
    expect(fs.readFileSync(file)).toEqual(bytes('float16'));
  });
});
