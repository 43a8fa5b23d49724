/**
 * The whole list of what a file of PyTorch's may name, as torch.load(weights_only=True) has it for tensors. Each name
 * stands for a case of ours; nothing is looked up anywhere else.
 */
import type { Dtype } from '../safetensors/dtype.ts';

export type Callable =
  | { is: 'dict' | 'tuple' | 'opaque' | 'tensor' | 'tensorOfBytes' | 'first' | 'fromType' }
  | { is: 'storage'; dtype: Dtype | null }
  | { is: 'dtype'; dtype: Dtype };

const DICT: Callable = { is: 'dict' };
const OPAQUE: Callable = { is: 'opaque' };

const NAMES: [string, Callable][] = [
  ['collections.OrderedDict', DICT],
  ['collections.defaultdict', DICT],
  ['torch.Size', { is: 'tuple' }],
  ['torch.device', OPAQUE],
  ['torch.Tensor', OPAQUE],
  ['torch.nn.parameter.Parameter', OPAQUE],
  ['builtins.int', OPAQUE],
  ['builtins.float', OPAQUE],
  ['builtins.list', OPAQUE],
  ['builtins.dict', OPAQUE],
  ['torch._utils._rebuild_tensor', { is: 'tensor' }],
  ['torch._utils._rebuild_tensor_v2', { is: 'tensor' }],
  ['torch._utils._rebuild_tensor_v3', { is: 'tensorOfBytes' }],
  ['torch._utils._rebuild_parameter', { is: 'first' }],
  ['torch._utils._rebuild_parameter_with_state', { is: 'first' }],
  ['torch._tensor._rebuild_from_type_v2', { is: 'fromType' }],
];

const STORAGES: [string, Dtype][] = [
  ['Float', 'F32'],
  ['Half', 'F16'],
  ['BFloat16', 'BF16'],
  ['Double', 'F64'],
  ['Long', 'I64'],
  ['Int', 'I32'],
  ['Short', 'I16'],
  ['Char', 'I8'],
  ['Byte', 'U8'],
  ['Bool', 'BOOL'],
];

const DTYPES: [string, Dtype][] = [
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
  ['float64', 'F64'],
  ['int64', 'I64'],
  ['int32', 'I32'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint8', 'U8'],
  ['uint16', 'U16'],
  ['uint32', 'U32'],
  ['uint64', 'U64'],
  ['bool', 'BOOL'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
];

const ALLOWED: ReadonlyMap<string, Callable> = new Map<string, Callable>([
  ...NAMES,
  ...STORAGES.flatMap(([name, dtype]): [string, Callable][] => [
    [`torch.${name}Storage`, { is: 'storage', dtype }],
    [`torch.storage.${name}Storage`, { is: 'storage', dtype }],
  ]),
  ['torch.storage.UntypedStorage', { is: 'storage', dtype: null }],
  ['torch.UntypedStorage', { is: 'storage', dtype: null }],
  ...DTYPES.map(([name, dtype]): [string, Callable] => [`torch.${name}`, { is: 'dtype', dtype }]),
]);

/** Undefined for everything that is not on the list. `name`: module and name with a dot. */
export function allowedGlobal(name: string): Callable | undefined {
  return ALLOWED.get(name);
}
