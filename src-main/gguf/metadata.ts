/** Values of a GGUF file's metadata: passed over when the file is opened, decoded when they are asked for. */
import { shownValue } from '../../src-shared/shownValue.ts';
import { ggufHeaderError, UTF8, type Cursor } from './cursor.ts';
import { GGUF_VALUE_TYPES, type GgufValue } from './header.ts';

/** Where a value begins in the header, and its `gguf_metadata_value_type`. */
export interface FieldPlace {
  type: number;
  from: number;
}

/** Ten times what the largest vocabularies have. */
const MOST_TEXTS = 4_000_000;

type ScalarName = Exclude<keyof typeof GGUF_VALUE_TYPES, 'string' | 'array'>;

const NAMES = new Map<number, keyof typeof GGUF_VALUE_TYPES>(
  (Object.keys(GGUF_VALUE_TYPES) as (keyof typeof GGUF_VALUE_TYPES)[]).map((name) => [GGUF_VALUE_TYPES[name], name]),
);

const SCALAR_BYTES: Record<ScalarName, number> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  uint64: 8,
  int64: 8,
  float64: 8,
};

/** Throws GGUF_HEADER for a type that is none and for what goes beyond the file; a list of lists is nobody's. */
export function skipValue(file: string, cursor: Cursor, type: number, what: string): void {
  const name = NAMES.get(type);
  if (name === undefined) throw ggufHeaderError(file, `its metadata field ${what} has the unknown type ${type}`);
  if (name === 'string') cursor.skipString(what);
  else if (name !== 'array') cursor.skip(SCALAR_BYTES[name], what);
  else skipArray(file, cursor, what);
}

function skipArray(file: string, cursor: Cursor, what: string): void {
  const type = cursor.uint32(`the type of the list ${what}`);
  const name = NAMES.get(type);
  if (name === undefined || name === 'array')
    throw ggufHeaderError(file, `its metadata field ${what} is a list of the unknown type ${type}`);
  const each = name === 'string' ? 8 : SCALAR_BYTES[name];
  const room = Math.floor(cursor.left() / each);
  const count = cursor.count(name === 'string' ? Math.min(room, MOST_TEXTS) : room, `the length of the list ${what}`);
  if (name !== 'string') cursor.skip(count * each, what);
  else for (let i = 0; i < count; i++) cursor.skipString(what);
}

export class GgufFields {
  readonly #file: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #places: ReadonlyMap<string, FieldPlace>;

  /** `bytes`: the header, through which every value has been walked already. */
  constructor(file: string, bytes: Uint8Array, places: ReadonlyMap<string, FieldPlace>) {
    this.#file = file;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#places = places;
  }

  /** In the order of the file. */
  keys(): string[] {
    return [...this.#places.keys()];
  }

  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** As it is written, with its type; 64-bit numbers as the nearest float64. */
  value(key: string): GgufValue | undefined {
    const place = this.#places.get(key);
    if (!place) return undefined;
    const name = NAMES.get(place.type)!;
    if (name === 'string') return { type: 'string', value: this.#string(place.from).text };
    if (name === 'bool') return { type: 'bool', value: this.#scalar('bool', place.from) !== 0 };
    if (name !== 'array') return { type: name, value: this.#scalar(name, place.from) };
    return this.#array(place.from);
  }

  /** A number. Throws GGUF_HEADER where the field is something else. */
  number(key: string): number | undefined {
    const value = this.value(key);
    if (value === undefined || (value.type !== 'string' && value.type !== 'bool' && value.type !== 'array'))
      return value?.value;
    throw this.#wrong(key, 'a number');
  }

  bool(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || value.type === 'bool') return value?.value;
    throw this.#wrong(key, 'true or false');
  }

  string(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || value.type === 'string') return value?.value;
    throw this.#wrong(key, 'a text');
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.value(key);
    if (value === undefined || (value.type === 'array' && value.of === 'string')) return value?.value;
    throw this.#wrong(key, 'a list of texts');
  }

  numbers(key: string): ArrayLike<number> | undefined {
    const value = this.value(key);
    if (value === undefined || (value.type === 'array' && value.of !== 'string' && value.of !== 'bool'))
      return value?.value;
    throw this.#wrong(key, 'a list of numbers');
  }

  #wrong(key: string, want: string): Error {
    const { type } = this.#places.get(key)!;
    return ggufHeaderError(
      this.#file,
      `its metadata field ${shownValue(key)} is ${NAMES.get(type)}, but ${want} is needed`,
    );
  }

  #string(from: number): { text: string; end: number } {
    const length = Number(this.#view.getBigUint64(from, true));
    const end = from + 8 + length;
    return { text: UTF8.decode(this.#bytes.subarray(from + 8, end)), end };
  }

  #array(from: number): GgufValue {
    const of = NAMES.get(this.#view.getUint32(from, true)) as ScalarName | 'string';
    const count = Number(this.#view.getBigUint64(from + 4, true));
    let at = from + 12;
    if (of === 'string') {
      const value: string[] = [];
      for (let i = 0; i < count; i++) {
        const { text, end } = this.#string(at);
        value.push(text);
        at = end;
      }
      return { type: 'array', of, value };
    }
    const each = SCALAR_BYTES[of];
    if (of === 'bool')
      return { type: 'array', of, value: Array.from(this.#bytes.subarray(at, at + count), (byte) => byte !== 0) };
    const value = new Float64Array(count);
    for (let i = 0; i < count; i++) value[i] = this.#scalar(of, at + i * each);
    return { type: 'array', of, value };
  }

  #scalar(name: ScalarName, at: number): number {
    const view = this.#view;
    switch (name) {
      case 'uint8':
      case 'bool':
        return view.getUint8(at);
      case 'int8':
        return view.getInt8(at);
      case 'uint16':
        return view.getUint16(at, true);
      case 'int16':
        return view.getInt16(at, true);
      case 'uint32':
        return view.getUint32(at, true);
      case 'int32':
        return view.getInt32(at, true);
      case 'float32':
        return view.getFloat32(at, true);
      case 'uint64':
        return Number(view.getBigUint64(at, true));
      case 'int64':
        return Number(view.getBigInt64(at, true));
      case 'float64':
        return view.getFloat64(at, true);
    }
  }
}
