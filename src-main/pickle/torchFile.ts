/**
 * Opens what torch.save has written, in its zip format and in the one before it, without running anything: the list of
 * tensors is read by machine.ts, values stay in the file until they are asked for, by the same functions that read
 * safetensors (safetensors/read.ts).
 */
import fs from 'node:fs';
import { openRegularFile } from '../files/foreignFile.ts';
import { systemErrorAbout } from '../files/systemError.ts';
import { DTYPE_BYTES } from '../safetensors/dtype.ts';
import { elementCount, readExactly, type OpenFile, type TensorInfo, type WeightFile } from '../safetensors/read.ts';
import { brokenTorchFile } from './errors.ts';
import type { Layout, StorageAt } from './layout.ts';
import { legacyLayout } from './legacyLayout.ts';
import { stateDictOf } from './stateDict.ts';
import type { TensorView } from './values.ts';
import { zipLayout } from './zipLayout.ts';

/** Tied tensors are views of one storage, so that a file may show a few times what it holds. */
const MOST_TIMES_SHOWN = 8;

/**
 * Throws GraftError TORCH_FILE (broken, or none of the two formats), TORCH_FILE_CODE (naming what is no tensor type),
 * NOT_A_FILE, or NOT_FOUND / NOT_ALLOWED. No file stays open then.
 */
export function openTorchFile(file: string): WeightFile {
  const source: OpenFile = { path: file, fd: undefined };
  const close = (): void => {
    if (source.fd !== undefined) fs.closeSync(source.fd);
    source.fd = undefined;
  };
  try {
    const { fd, stat } = openRegularFile(file);
    source.fd = fd;
    const { headerBytes, value, storageAt } = layoutOf(source, stat.size);
    const { tensors, leftAside } = stateDictOf(file, value);
    const infos = [...tensors].map(([name, view]) => infoOf(source, name, view, storageAt));
    refuseRepetition(file, infos, stat.size);
    return {
      format: 'torch',
      file,
      sizeBytes: stat.size,
      modifiedMs: stat.mtimeMs,
      headerBytes,
      metadata: { format: 'pt' },
      tensors: new Map(infos.map((info) => [info.name, info])),
      leftAside,
      close,
    };
  } catch (error) {
    close();
    throw systemErrorAbout(error, file);
  }
}

function layoutOf(source: OpenFile, fileBytes: number): Layout {
  const head = new Uint8Array(Math.min(64, fileBytes));
  readExactly(source, head, 0);
  const start = Buffer.from(head).toString('latin1');
  if (/^.{6}\0\0\{"/s.test(start))
    throw brokenTorchFile(source.path, 'is a safetensors file under another name: give it the ending .safetensors');
  if (head[0] === 0x50 && head[1] === 0x4b) return zipLayout(source, fileBytes);
  if (head[0] === 0x80) return legacyLayout(source, fileBytes);
  if (start.startsWith('version https://git-lfs'))
    throw brokenTorchFile(source.path, 'is a pointer of Git LFS, not the file itself');
  throw brokenTorchFile(source.path, "is in none of PyTorch's formats");
}

function infoOf(source: OpenFile, name: string, view: TensorView, storageAt: StorageAt): TensorInfo {
  const { storage, dtype, offset, shape, strides } = view;
  const width = DTYPE_BYTES[dtype];
  return {
    name,
    dtype,
    shape,
    file: source.path,
    offset: storageAt(storage) + offset * width,
    byteLength: elementCount({ shape }) * width,
    source,
    ...(isRowByRow(shape, strides) ? {} : { strides }),
  };
}

function isRowByRow(shape: number[], strides: number[]): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== step) return elementCount({ shape }) === 0;
    step *= shape[i]!;
  }
  return true;
}

/** A small file that shows its bytes under thousands of names would fill the memory. */
function refuseRepetition(file: string, infos: TensorInfo[], fileBytes: number): void {
  const shownBytes = infos.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (shownBytes > MOST_TIMES_SHOWN * fileBytes)
    throw brokenTorchFile(file, `has ${fileBytes} bytes and shows them as tensors of ${shownBytes}`);
}
