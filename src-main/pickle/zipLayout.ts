/** The format since PyTorch 1.6: an archive in which NAME/data.pkl lists the tensors and NAME/data/KEY is a storage. */
import { readExactly, type OpenFile } from '../safetensors/read.ts';
import { brokenTorchFile, shown } from './errors.ts';
import { bytesOfElement, MOST_LIST_BYTES, type Layout, type StorageAt } from './layout.ts';
import { readPickle } from './machine.ts';
import { zipMembers, type Member } from './zip.ts';

export function zipLayout(source: OpenFile, fileBytes: number): Layout {
  const { path: file } = source;
  const members = zipMembers(source, fileBytes);
  const listName = [...members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const list = listName === undefined ? undefined : members.get(listName);
  if (listName === undefined || !list) throw brokenTorchFile(file, 'is an archive without a data.pkl');
  if (list.sizeBytes > MOST_LIST_BYTES)
    throw brokenTorchFile(file, `has a list of tensors of ${list.sizeBytes} bytes, more than any checkpoint`);
  const folder = listName.slice(0, -'data.pkl'.length);
  const order = members.get(`${folder}byteorder`);
  if (order && order.sizeBytes < 10 && new TextDecoder().decode(bytesOf(source, order)) === 'big')
    throw brokenTorchFile(file, 'was written on a machine with the bytes of a number the other way round');
  const headerBytes = bytesOf(source, list);
  const storageAt: StorageAt = (storage) => {
    const member = members.get(`${folder}data/${storage.key}`);
    if (!member) throw brokenTorchFile(file, `lacks the storage ${shown(storage.key)}`);
    const wanted = storage.elements * bytesOfElement(storage);
    if (member.sizeBytes >= wanted) return member.offset;
    throw brokenTorchFile(
      file,
      `has ${member.sizeBytes} bytes of storage ${shown(storage.key)}, which needs ${wanted}`,
    );
  };
  return { headerBytes, value: readPickle(file, headerBytes).value, storageAt };
}

function bytesOf(source: OpenFile, { offset, sizeBytes }: Member): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  readExactly(source, bytes, offset);
  return bytes;
}
