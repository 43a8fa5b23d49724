/** Which of a file's values are its weights: a dictionary of tensors, or the one of a training checkpoint. */
import { brokenTorchFile, shown } from './errors.ts';
import { isDict, isTensor, kindOf, type Dict, type PickleValue, type TensorView } from './values.ts';

/** Under these names training programs keep the weights beside the optimiser's state. */
const WRAPPERS = ['model_state_dict', 'state_dict', 'model', 'module'];

export interface StateDict {
  tensors: Map<string, TensorView>;
  /** Entries that are no weights. */
  leftAside: string[];
}

/** Throws GraftError TORCH_FILE where there is no dictionary of tensors. */
export function stateDictOf(file: string, value: PickleValue): StateDict {
  if (!isDict(value)) throw brokenTorchFile(file, `holds a ${kindOf(value)} and no dictionary of tensors`);
  const outer = sorted(file, value);
  if (outer.tensors.size > 0) return outer;
  const inner = WRAPPERS.map((name) => [name, valueOf(value, name)] as const).find(([, one]) => isDict(one));
  if (inner) {
    const found = sorted(file, inner[1] as Dict);
    const beside = outer.leftAside.filter((name) => name !== inner[0]);
    if (found.tensors.size > 0) return { ...found, leftAside: [...beside, ...found.leftAside] };
  }
  throw brokenTorchFile(
    file,
    `holds no tensor under its own names${inner ? ` or under ${inner[0]}` : ''} (${some(outer.leftAside)})`,
  );
}

function sorted(file: string, { entries }: Dict): StateDict {
  const found: StateDict = { tensors: new Map(), leftAside: [] };
  for (let i = 0; i < entries.length; i += 2) {
    const [key, value] = [entries[i], entries[i + 1]];
    if (typeof key === 'string' && isTensor(value)) found.tensors.set(key, value);
    else if (typeof key === 'string') found.leftAside.push(shown(key));
    else throw brokenTorchFile(file, `names a value by a ${kindOf(key)}`);
  }
  return found;
}

/** As Python: the last of the same name. */
function valueOf({ entries }: Dict, name: string): PickleValue | undefined {
  const at = entries.findLastIndex((entry, i) => i % 2 === 0 && entry === name);
  return at < 0 ? undefined : entries[at + 1];
}

function some(names: string[]): string {
  if (names.length === 0) return 'it is empty';
  return `it has ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' and more' : ''}`;
}
