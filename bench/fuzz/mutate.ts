/** Seeded changes to the bytes and to the JSON of a file, from a flipped bit to a nesting of 20,000 levels. */
import type { Random } from '../../src-shared/random.ts';

import { mutatedInside, type PackedForm } from './mutatePacked.ts';

export type Form = 'bytes' | 'json' | 'safetensors' | 'text' | 'rows' | PackedForm;

/** The same for the same state of `random`. */
export function mutated(bytes: Uint8Array, form: Form, random: Random): Uint8Array {
  if (form === 'json' && random.uniform() < 0.75) return jsonMutated(bytes, random);
  if (form === 'safetensors' && random.uniform() < 0.75) return headerMutated(bytes, random);
  if (form === 'text' && random.uniform() < 0.5) return textMutated(bytes, TEMPLATE_PIECES, random);
  if (form === 'rows' && random.uniform() < 0.5) return textMutated(bytes, ROW_PIECES, random);
  if (form === 'gzip' || form === 'zstd' || form === 'zip')
    if (random.uniform() < 0.75) return mutatedInside(bytes, form, (inner) => mutated(inner, 'rows', random), random);
  return bytesMutated(bytes, random);
}

function bytesMutated(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.integer(Math.max(1, copy.length));
  const length = 1 + random.integer(64);
  const cut = (start: number, end: number): Uint8Array => copy.subarray(Math.max(0, start), Math.min(copy.length, end));
  const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
  switch (random.integer(7)) {
    case 0: {
      for (let i = 0; i <= random.integer(8); i++) {
        const place = random.integer(Math.max(1, copy.length));
        if (copy.length > 0) copy[place] = copy[place]! ^ (1 << random.integer(8));
      }
      return copy;
    }
    case 1:
      return cut(0, at);
    case 2:
      return joined(cut(0, at), cut(at + length, copy.length));
    case 3: {
      const from = random.integer(Math.max(1, copy.length));
      return joined(cut(0, at), cut(from, from + length), cut(at, copy.length));
    }
    case 4:
      return joined(
        cut(0, at),
        Uint8Array.from({ length }, () => random.integer(256)),
        cut(at, copy.length),
      );
    case 5:
      return copy.fill(random.uniform() < 0.5 ? 0 : 255, at, at + length);
    default:
      return joined(copy, cut(at, at + 4096));
  }
}

function textMutated(bytes: Uint8Array, pieces: readonly string[], random: Random): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  const at = random.integer(text.length + 1);
  return encoded(text.slice(0, at) + pick(pieces, random) + text.slice(at));
}

/** Loops, recursions and growth of a chat template. */
const TEMPLATE_PIECES = [
  '{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}',
  '{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}',
  "{{ 'x' * 1000000000 }}",
  '{% for a in range(1000000000) %}{% endfor %}',
  '{% set ns = namespace(s="x") %}{% for a in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}',
  '{{ messages[99].content.strip().nothing }}',
  '{{ undefined_name() }}',
  "{{ raise_exception('no') }}",
  '{% if %}',
  '{{ [[[' + '['.repeat(20_000),
  '{% endfor %}',
  '{{ messages | tojson | nosuchfilter }}',
];

/** Rows and cells without end, depth, number or meaning. */
const ROW_PIECES = [
  '"',
  '\n',
  '\r',
  ',,,,;;\t|',
  '\nsep=;\n',
  '\u0000',
  '\ufeff',
  '{"prompt": 1, "completion": null}\n',
  '{"text": "a"}\n{"__proto__": {"text": 1}, "constructor": 2}\n',
  `{"prompt":${'['.repeat(20_000)}`,
  `{"prompt":"${'a'.repeat(300_000)}","completion":"b"}\n`,
  Array.from({ length: 300 }, (_, i) => `{"column ${i}":1}\n`).join(''),
  Array.from({ length: 2500 }, (_, i) => `column ${i},`).join(''),
  '{oops\n'.repeat(1200),
  '\n'.repeat(20_000),
  '# '.repeat(5000),
];

function jsonMutated(bytes: Uint8Array, random: Random): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  if (random.uniform() < 0.05) return encoded(nested(text, random));
  return encoded(JSON.stringify(changed(JSON.parse(text) as unknown, random)));
}

function headerMutated(bytes: Uint8Array, random: Random): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = bytes.subarray(8, 8 + length);
  const data = bytes.subarray(8 + length);
  const fresh = jsonMutated(header, random);
  const size = Buffer.alloc(8);
  const said = random.uniform();
  size.writeBigUInt64LE(said < 0.9 ? BigInt(fresh.length) : pick([0n, 1n, 99_999_999n, 2n ** 40n, 2n ** 63n], random));
  return new Uint8Array(Buffer.concat([size, fresh, data]));
}

/** A value with one to three of its parts changed. */
function changed(value: unknown, random: Random): unknown {
  let result = value;
  for (let i = 0; i <= random.integer(3); i++) result = changedOnce(result, random);
  return result;
}

function changedOnce(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.uniform() < 0.15) return strange(value, random);
  const keys = Object.keys(value);
  if (keys.length === 0) return strange(value, random);
  // Mostly the first of many: a vocabulary has thousands of keys, and they are all the same kind.
  const key = keys[random.integer(Math.min(keys.length, 40))]!;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? (Object.assign([], value) as object as Record<string, unknown>)
    : { ...(value as Record<string, unknown>) };
  const fate = random.uniform();
  if (fate < 0.1) Reflect.deleteProperty(copy, key);
  else if (fate < 0.18) copy[`${key}${pick(['', 'x', '.', '.weight', '__proto__'], random)}`] = copy[keys[0]!];
  else if (fate < 0.24) copy[keys[random.integer(keys.length)]!] = copy[key];
  else copy[key] = changedOnce(copy[key], random);
  return copy;
}

const NUMBERS = [-1, 0, 1, 0.5, -0.5, 3, 7, 64, 1000, 4e6, 2 ** 31, 2 ** 32, 2 ** 53, 1e15, 1e300, -1e300, 1e-300];
const PATTERNS = ['(a+)+$', '(a|a)*$', '(.*)*x', '(?=(a+)+$)a', '(?:a?){40}a{40}', '(', '[', '\\p{Nothing}', '(?!\\S)'];
const TEXTS = ['', 'x', '..', '../../etc/passwd', '\u0000', '\ud800', 'null', 'all-linear', 'model', 'NaN', 'é𝄞'];

/** Another value, of the same kind or of any. */
function strange(value: unknown, random: Random): unknown {
  const kind = random.integer(8);
  if (typeof value === 'number' && kind < 5) return pick(NUMBERS, random);
  if (typeof value === 'string' && kind < 3) return pick(PATTERNS, random);
  if (Array.isArray(value) && kind < 3) return [...(value as unknown[]), ...(value as unknown[])];
  switch (random.integer(10)) {
    case 0:
      return null;
    case 1:
      return random.uniform() < 0.5;
    case 2:
      return pick(NUMBERS, random);
    case 3:
      return pick(TEXTS, random);
    case 4:
      return pick(PATTERNS, random);
    case 5:
      return [];
    case 6:
      return {};
    case 7:
      return [value];
    case 8:
      return 'a'.repeat(1 + random.integer(100_000));
    default:
      return Array.from({ length: random.integer(100_000) }, (_, i) => i);
  }
}

/** The text around, or in place of a value of, itself: 20,000 levels deep. */
function nested(text: string, random: Random): string {
  const [open, close] = random.uniform() < 0.5 ? ['[', ']'] : ['{"a":', '}'];
  const deep = open.repeat(20_000) + '1' + close.repeat(20_000);
  const colon = text.indexOf(':', random.integer(text.length));
  return colon < 0 || random.uniform() < 0.3 ? deep : `${text.slice(0, colon + 1)}${deep},"rest"${text.slice(colon)}`;
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.integer(list.length)]!;
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
