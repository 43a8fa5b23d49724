/**
 * Reads one pickle: the instructions that torch.save writes (protocol 2) and their newer spellings, on a stack, with a
 * memo. Steps, depth and lengths are bounded; names that are not on the list of globals.ts end the reading, and so do
 * instructions that make objects of classes.
 */
import { brokenTorchFile, refusedGlobal, shown } from './errors.ts';
import { allowedGlobal } from './globals.ts';
import { called, storageOf } from './rebuild.ts';
import { isDict, isTuple, kindOf, OPAQUE, type PickleValue, type Storage } from './values.ts';

/** Ten times what a checkpoint of the most tensors takes. */
const MOST_STEPS = 2_000_000;
/** A state dict needs six. */
const MOST_MARKS = 500;
const MOST_ON_STACK = 1_000_000;

const utf8 = new TextDecoder();
const EMPTY_TUPLE: PickleValue = { kind: 'tuple', items: [] };

export interface ReadPickle {
  value: PickleValue;
  /** Where the pickle ends. */
  end: number;
  /** In the order in which they are named, some more than once. */
  storages: Storage[];
}

/** Throws GraftError TORCH_FILE or TORCH_FILE_CODE. */
export function readPickle(file: string, bytes: Uint8Array, start = 0): ReadPickle {
  const machine = new Machine(file, bytes, start);
  for (let step = 0; step < MOST_STEPS; step++) {
    const code = machine.byte();
    if (code === STOP) return { value: machine.pop(), end: machine.at, storages: machine.storages };
    const instruction = INSTRUCTIONS.get(code);
    if (!instruction)
      throw brokenTorchFile(file, `holds the pickle instruction 0x${code.toString(16)}, which no tensor needs`);
    instruction(machine);
  }
  throw brokenTorchFile(file, `has more than ${MOST_STEPS} pickle instructions, more than any checkpoint needs`);
}

class Machine {
  readonly file: string;
  at: number;
  readonly storages: Storage[] = [];
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(file: string, bytes: Uint8Array, start: number) {
    this.file = file;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
  }

  broken(problem: string): Error {
    return brokenTorchFile(this.file, problem);
  }

  /** Where the next `count` bytes begin. */
  take(count: number): number {
    const from = this.at;
    if (count > this.bytes.length - from) throw this.broken('ends in the middle of its list of tensors');
    this.at += count;
    return from;
  }

  byte(): number {
    return this.bytes[this.take(1)]!;
  }

  uint16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  float64(): number {
    return this.view.getFloat64(this.take(8), false);
  }

  uint64(): number {
    const value = this.view.getBigUint64(this.take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.broken(`names a length of ${value} bytes`);
    return Number(value);
  }

  text(length: number): string {
    const from = this.take(length);
    return utf8.decode(this.bytes.subarray(from, from + length));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.broken('ends in the middle of a name');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** Two's complement, the least byte first. */
  integer(length: number): number | bigint {
    const from = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[from + i]!);
    const signed = BigInt.asIntN(8 * Math.max(1, length), value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  push(value: PickleValue): void {
    if (this.stack.length >= MOST_ON_STACK) throw this.broken(`stacks more than ${MOST_ON_STACK} values`);
    this.stack.push(value);
  }

  pop(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.broken('takes more values than it has put down');
    return this.stack.pop()!;
  }

  mark(): void {
    if (this.marks.length >= MOST_MARKS) throw this.broken(`is nested more than ${MOST_MARKS} levels deep`);
    this.marks.push(this.stack.length);
  }

  sinceMark(): PickleValue[] {
    const from = this.marks.pop();
    if (from === undefined) throw this.broken('closes what it has not opened');
    return this.stack.splice(from);
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  put(index: number): void {
    this.memo.set(index, this.top());
  }

  putNext(): void {
    this.put(this.memo.size);
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.broken('refers to a value that it does not hold');
    this.push(value);
  }

  global(module: string, name: string): void {
    // What Python 2 called it.
    const full = `${module === '__builtin__' ? 'builtins' : module}.${name}`;
    const callable = allowedGlobal(full);
    if (!callable) throw refusedGlobal(this.file, full);
    this.push({ kind: 'global', name: full, callable });
  }

  tuple(length: number): void {
    const items = Array.from({ length }, () => this.pop()).reverse();
    this.push({ kind: 'tuple', items });
  }

  append(items: PickleValue[]): void {
    const list = this.top();
    if (typeof list !== 'object' || list?.kind !== 'list') throw this.broken(`appends to a ${kindOf(list)}`);
    for (const item of items) list.items.push(item);
  }

  setItems(items: PickleValue[]): void {
    const dict = this.top();
    if (!isDict(dict) || items.length % 2 !== 0) throw this.broken(`sets entries of a ${kindOf(dict)}`);
    for (const item of items) dict.entries.push(item);
  }

  reduce(): void {
    const args = this.pop();
    const callable = this.pop();
    if (typeof callable !== 'object' || callable?.kind !== 'global' || !isTuple(args))
      throw this.broken(`calls a ${kindOf(callable)}`);
    this.push(called(this.file, callable, args.items));
  }

  /** State of an object. A dict's is what PyTorch knows of versions of modules (`_metadata`), which no value needs. */
  build(): void {
    this.pop();
    const target = this.top();
    if (!isDict(target)) throw this.broken(`gives a state to a ${kindOf(target)}`);
  }

  /** The value that stands for a storage by its name. */
  storage(): void {
    const id = this.pop();
    if (!isTuple(id)) throw this.broken(`names a storage by a ${kindOf(id)}`);
    const storage = storageOf(this.file, id.items);
    this.storages.push(storage);
    this.push(storage);
  }
}

const STOP = '.'.charCodeAt(0);
type Instruction = (machine: Machine) => void;
const newDict: Instruction = (m) => m.push({ kind: 'dict', entries: [] });
const newList: Instruction = (m) => m.push({ kind: 'list', items: [] });
const skipBytes =
  (length: (m: Machine) => number): Instruction =>
  (m) => {
    m.take(length(m));
    m.push(OPAQUE);
  };
const refuseObject =
  (what: string): Instruction =>
  (m) => {
    const from = m.top();
    const name = typeof from === 'object' && from?.kind === 'global' ? from.name : what;
    throw refusedGlobal(m.file, name);
  };

/** By the characters that Python's pickletools lists. */
const INSTRUCTIONS: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [0x80, protocol], // PROTO
  [0x95, (m) => void m.take(8)], // FRAME
  [code('('), (m) => m.mark()],
  [code('0'), (m) => void m.pop()],
  [code('N'), (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [code('J'), (m) => m.push(m.int32())],
  [code('K'), (m) => m.push(m.byte())],
  [code('M'), (m) => m.push(m.uint16())],
  [0x8a, (m) => m.push(m.integer(m.byte()))], // LONG1
  [code('G'), (m) => m.push(m.float64())],
  [code('X'), (m) => m.push(m.text(m.uint32()))],
  [0x8c, (m) => m.push(m.text(m.byte()))],
  [0x8d, (m) => m.push(m.text(m.uint64()))],
  [code('U'), (m) => m.push(m.text(m.byte()))],
  [code('T'), (m) => m.push(m.text(m.uint32()))],
  [code('C'), skipBytes((m) => m.byte())],
  [code('B'), skipBytes((m) => m.uint32())],
  [code(')'), (m) => m.push(EMPTY_TUPLE)],
  [code('t'), (m) => m.push({ kind: 'tuple', items: m.sinceMark() })],
  [0x85, (m) => m.tuple(1)],
  [0x86, (m) => m.tuple(2)],
  [0x87, (m) => m.tuple(3)],
  [code(']'), newList],
  [code('a'), (m) => m.append([m.pop()])],
  [code('e'), (m) => m.append(m.sinceMark())],
  [code('}'), newDict],
  [code('s'), (m) => m.setItems([m.pop(), m.pop()].reverse())],
  [code('u'), (m) => m.setItems(m.sinceMark())],
  [code('q'), (m) => m.put(m.byte())],
  [code('r'), (m) => m.put(m.uint32())],
  [0x94, (m) => m.putNext()],
  [code('h'), (m) => m.get(m.byte())],
  [code('j'), (m) => m.get(m.uint32())],
  [code('c'), (m) => m.global(m.line(), m.line())],
  [0x93, stackGlobal],
  [code('R'), (m) => m.reduce()],
  [code('b'), (m) => m.build()],
  [code('Q'), (m) => m.storage()],
  [code('i'), refuseInst],
  [code('o'), refuseObject('an object of a class')],
  [0x81, refuseObject('an object of a class')],
  [0x92, refuseObject('an object of a class')],
]);

function code(character: string): number {
  return character.charCodeAt(0);
}

function protocol(m: Machine): void {
  const version = m.byte();
  if (version > 5) throw m.broken(`is a pickle of protocol ${version}`);
}

function stackGlobal(m: Machine): void {
  const [name, module] = [m.pop(), m.pop()];
  if (typeof name !== 'string' || typeof module !== 'string') throw m.broken(`looks a ${kindOf(name)} up by name`);
  m.global(module, name);
}

function refuseInst(m: Machine): never {
  const name = `${m.line()}.${m.line()}`;
  throw refusedGlobal(m.file, shown(name));
}
