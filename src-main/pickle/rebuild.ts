/** The few calls that a file of PyTorch's may make: views of storages, and containers. */
import { DTYPE_BYTES, type Dtype } from '../safetensors/dtype.ts';
import { brokenTorchFile, refusedGlobal, shown } from './errors.ts';
import {
  isTensor,
  isTuple,
  kindOf,
  OPAQUE,
  type Global,
  type PickleValue,
  type Storage,
  type TensorView,
} from './values.ts';

const MOST_DIMENSIONS = 16;

/** What `global(...args)` gives. */
export function called(file: string, { name, callable }: Global, args: PickleValue[]): PickleValue {
  switch (callable.is) {
    case 'dict':
      return { kind: 'dict', entries: pairsOf(file, args) };
    case 'tuple':
      return { kind: 'tuple', items: isSequence(args[0]) ? args[0].items : [] };
    case 'tensor':
      return viewOf(file, args);
    case 'tensorOfBytes':
      return viewOf(file, args, dtypeOf(file, args[6]));
    case 'first':
      if (isTensor(args[0])) return args[0];
      throw brokenTorchFile(file, `makes a parameter of a ${kindOf(args[0])}`);
    case 'fromType':
      return fromType(file, args);
    case 'opaque':
      if (name === 'torch.device') return OPAQUE;
      throw refusedGlobal(file, name);
    default:
      throw refusedGlobal(file, name);
  }
}

/** Of a dict that is made from a list of pairs; a defaultdict's factory makes nothing here. */
function pairsOf(file: string, args: PickleValue[]): PickleValue[] {
  const list = args.find(isSequence);
  return (list?.items ?? []).flatMap((pair) => {
    if (isSequence(pair) && pair.items.length === 2) return pair.items;
    throw brokenTorchFile(file, `makes a dictionary of a ${kindOf(pair)}`);
  });
}

function isSequence(value: PickleValue | undefined): value is Extract<PickleValue, { kind: 'list' | 'tuple' }> {
  return isTuple(value) || kindOf(value) === 'list';
}

/** _rebuild_from_type_v2(function, type, arguments, state): a tensor with attributes, which are left aside. */
function fromType(file: string, [func, , args]: PickleValue[]): PickleValue {
  if (typeof func === 'object' && func?.kind === 'global' && func.callable.is !== 'fromType' && isTuple(args))
    return called(file, func, args.items);
  throw brokenTorchFile(file, `makes a tensor by a ${kindOf(func)}`);
}

/** ('storage', type, key, device, elements, view); `view` is what PyTorch wrote before 0.4 and no program reads now. */
export function storageOf(file: string, [tag, type, key, , elements, view]: PickleValue[]): Storage {
  if (tag !== 'storage' || typeof key !== 'string' || (view !== undefined && view !== null))
    throw brokenTorchFile(file, 'names a storage in a way that PyTorch does not');
  if (typeof type !== 'object' || type?.kind !== 'global' || type.callable.is !== 'storage')
    throw brokenTorchFile(file, `has a storage of type ${kindOf(type)}`);
  if (!isCount(elements)) throw brokenTorchFile(file, `has a storage (${shown(key)}) without a length`);
  return { kind: 'storage', key, dtype: type.callable.dtype, elements };
}

function dtypeOf(file: string, value: PickleValue | undefined): Dtype {
  if (typeof value === 'object' && value?.kind === 'global' && value.callable.is === 'dtype')
    return value.callable.dtype;
  throw brokenTorchFile(file, `has a tensor whose dtype is a ${kindOf(value)}`);
}

/** (storage, offset, shape, strides, …); every value lies in the storage, and there are no more of them than it has. */
function viewOf(file: string, [storage, offset, shape, strides]: PickleValue[], dtype?: Dtype): TensorView {
  if (typeof storage !== 'object' || storage?.kind !== 'storage')
    throw brokenTorchFile(file, `has a tensor whose values are a ${kindOf(storage)}`);
  const own = dtype ?? storage.dtype;
  if (own === null) throw brokenTorchFile(file, `has a tensor of bytes (storage ${shown(storage.key)})`);
  // An untyped storage counts bytes.
  const elements = storage.dtype === null ? Math.floor(storage.elements / DTYPE_BYTES[own]) : storage.elements;
  const [sizes, steps] = [countsOf(shape), countsOf(strides)];
  if (!isCount(offset) || !sizes || !steps || sizes.length !== steps.length)
    throw brokenTorchFile(file, 'has a tensor without offset, shape and strides');
  const count = sizes.reduce((product, n) => product * n, 1);
  const last = sizes.reduce((sum, n, i) => sum + (n - 1) * steps[i]!, offset);
  if (count > elements || (count > 0 && last >= elements) || !Number.isSafeInteger(last) || offset > elements)
    throw brokenTorchFile(
      file,
      `has a tensor of shape [${sizes.join(', ')}] that goes beyond the ${elements} values of its storage`,
    );
  return { kind: 'tensor', storage, dtype: own, offset, shape: sizes, strides: steps };
}

function countsOf(value: PickleValue | undefined): number[] | undefined {
  if (!isSequence(value) || value.items.length > MOST_DIMENSIONS) return undefined;
  return value.items.every(isCount) ? value.items : undefined;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
