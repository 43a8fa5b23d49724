/**
 * The format before PyTorch 1.6: a number by which it is known, the version, facts about the machine, the list of
 * tensors, the keys of the storages (a pickle each), then each storage as its length and its values.
 */
import { readExactly, type OpenFile } from '../safetensors/read.ts';
import { brokenTorchFile, shown } from './errors.ts';
import { bytesOfElement, MOST_LIST_BYTES, type Layout } from './layout.ts';
import { readPickle } from './machine.ts';
import { isDict, kindOf, type PickleValue, type Storage } from './values.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

export function legacyLayout(source: OpenFile, fileBytes: number): Layout {
  const { path: file } = source;
  const bytes = new Uint8Array(Math.min(MOST_LIST_BYTES, fileBytes));
  readExactly(source, bytes, 0);
  const storages = new Map<string, Storage>();
  let at = 0;
  const next = (): PickleValue => {
    const read = readPickle(file, bytes, at);
    at = read.end;
    for (const storage of read.storages) storages.set(storage.key, storage);
    return read.value;
  };
  if (next() !== MAGIC) throw brokenTorchFile(file, 'is a pickle, but none that PyTorch wrote');
  const version = next();
  if (version !== VERSION) throw brokenTorchFile(file, `is of a version of its format that is not ${VERSION}`);
  refuseOtherOrder(file, next());
  const value = next();
  const keys = next();
  if (typeof keys !== 'object' || keys?.kind !== 'list')
    throw brokenTorchFile(file, `has a ${kindOf(keys)} where the names of its storages should be`);
  const places = placesOf(source, fileBytes, at, keys.items, storages);
  const storageAt = ({ key, elements }: Storage): number => {
    const place = places.get(key);
    if (place && place.elements >= elements) return place.start;
    throw brokenTorchFile(file, `lacks values of the storage ${shown(key)}`);
  };
  return { headerBytes: bytes.subarray(0, at), value, storageAt };
}

function refuseOtherOrder(file: string, machine: PickleValue): void {
  if (isDict(machine) && machine.entries[machine.entries.indexOf('little_endian') + 1] === false)
    throw brokenTorchFile(file, 'was written on a machine with the bytes of a number the other way round');
}

/** Storages follow each other in the order of `keys`; only the list tells how wide their values are. */
function placesOf(
  source: OpenFile,
  fileBytes: number,
  start: number,
  keys: PickleValue[],
  storages: Map<string, Storage>,
): Map<string, { start: number; elements: number }> {
  const places = new Map<string, { start: number; elements: number }>();
  const length = new Uint8Array(8);
  let at = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (typeof key !== 'string' || !storage || places.has(key))
      throw brokenTorchFile(source.path, 'names a storage that none of its tensors has');
    if (at + 8 > fileBytes) throw brokenTorchFile(source.path, 'is cut short: a storage is missing');
    readExactly(source, length, at);
    const elements = Number(new DataView(length.buffer).getBigUint64(0, true));
    const end = at + 8 + elements * bytesOfElement(storage);
    if (!Number.isSafeInteger(end) || end > fileBytes)
      throw brokenTorchFile(source.path, `is cut short in its storage ${shown(key)} of ${elements} values`);
    places.set(key, { start: at + 8, elements });
    at = end;
  }
  return places;
}
