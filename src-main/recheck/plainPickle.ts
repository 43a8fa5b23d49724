/**
 * A second, plain reader of the pickles that torch.save writes: just enough instructions for a dictionary of tensors.
 * Whatever else stands there is an error, so that nothing of it is ever looked up or run.
 */

/** Where PyTorch says that a tensor lies; offset and strides in elements. */
export interface ListedTensor {
  storage: { key: string; type: string; elements: number };
  /** As in `torch.BFloat16Storage`, or a dtype's name for storages of bytes. */
  type: string;
  offset: number;
  shape: number[];
  strides: number[];
}

type Value = unknown;

/** A name of Python's; nothing stands behind it. */
class Name {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

const MARK = Symbol('mark');
const INTEGERS: Record<string, number> = { K: 1, M: 2, J: 4 };
const TEXTS: Record<string, number> = { X: 4, '\x8c': 1, U: 1, T: 4 };
const TUPLES: Record<string, number> = { ')': 0, '\x85': 1, '\x86': 2, '\x87': 3 };
const CONSTANTS: Record<string, Value> = { N: null, '\x88': true, '\x89': false };

/** One pickle from `at` on: its value, and where the next begins. Dictionaries are Maps. */
export function unpickled(bytes: Buffer, at: number): { value: Value; end: number } {
  const stack: Value[] = [];
  const memo: Value[] = [];
  const number = (width: number): number => bytes.readUIntLE((at += width) - width, width);
  const sinceMark = (): Value[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw new Error('a weights file lists its tensors wrongly');
    return stack.splice(from).slice(1);
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    const text = bytes.toString('utf8', at, end);
    at = end + 1;
    return text;
  };
  for (;;) {
    const code = String.fromCharCode(number(1));
    const integer = INTEGERS[code];
    const text = TEXTS[code];
    const tuple = TUPLES[code];
    if (code === '.') return { value: stack.pop(), end: at };
    if (integer !== undefined) {
      const value = number(integer);
      stack.push(code === 'J' ? value | 0 : value);
    } else if (text !== undefined) {
      const length = number(text);
      stack.push(bytes.toString('utf8', at, (at += length)));
    } else if (tuple !== undefined) stack.push(tuple === 0 ? [] : stack.splice(-tuple));
    else if (code in CONSTANTS) stack.push(CONSTANTS[code]);
    else if (code === '\x80') at += 1;
    else if (code === '\x8a') stack.push(longOf(bytes.subarray(at + 1, (at += 1 + bytes[at]!))));
    else if (code === 'G') stack.push(bytes.readDoubleBE((at += 8) - 8));
    else if (code === '(') stack.push(MARK);
    else if (code === 't') stack.push(sinceMark());
    else if (code === '}') stack.push(new Map());
    else if (code === ']') stack.push([]);
    else if (code === 'q' || code === 'r') memo[number(code === 'q' ? 1 : 4)] = stack.at(-1);
    else if (code === 'h' || code === 'j') stack.push(memo[number(code === 'h' ? 1 : 4)]);
    else if (code === 'c') stack.push(new Name(`${line()}.${line()}`));
    else if (code === 'a' || code === 'e') {
      const items = code === 'a' ? [stack.pop()] : sinceMark();
      (stack.at(-1) as Value[]).push(...items);
    } else if (code === 's' || code === 'u') {
      const items = code === 's' ? stack.splice(-2) : sinceMark();
      const into = stack.at(-1) as Map<Value, Value>;
      for (let i = 0; i < items.length; i += 2) into.set(items[i], items[i + 1]);
    } else if (code === 'b') stack.pop();
    else if (code === 'Q') {
      const [, type, key, , elements] = stack.pop() as [string, Name, string, string, number];
      stack.push({ key, type: type.name, elements });
    } else if (code === 'R') {
      const args = stack.pop() as Value[];
      stack.push(made((stack.pop() as Name).name, args));
    } else throw new Error(`a weights file lists its tensors with the instruction ${code.charCodeAt(0)}`);
  }
}

function longOf(bytes: Buffer): Value {
  const digits = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);
  const value = BigInt.asIntN(8 * Math.max(1, bytes.length), digits);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function made(name: string, args: Value[]): Value {
  if (name === 'collections.OrderedDict') return new Map((args[0] ?? []) as [Value, Value][]);
  if (name.startsWith('torch._utils._rebuild_parameter')) return args[0];
  if (name.startsWith('torch._utils._rebuild_tensor')) {
    const [storage, offset, shape, strides] = args as [ListedTensor['storage'], number, number[], number[]];
    const type = name.endsWith('_v3') ? (args[6] as Name).name : storage.type;
    return { storage, type, offset, shape, strides } satisfies ListedTensor;
  }
  throw new Error(`a weights file calls for ${name.slice(0, 80)}`);
}
