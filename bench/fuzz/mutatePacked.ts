/** Changes within what is packed: unpacked, changed, and packed again, so that the unpacking itself succeeds. */
import zlib from 'node:zlib';
import { unzipSync, zipSync } from 'fflate';
import type { Random } from '../../src-shared/random.ts';

export type PackedForm = 'gzip' | 'zstd' | 'zip';

/** `change`: of the content; of one entry of an archive. */
export function mutatedInside(
  bytes: Uint8Array,
  form: PackedForm,
  change: (inner: Uint8Array) => Uint8Array,
  random: Random,
): Uint8Array {
  if (form === 'gzip') return zlib.gzipSync(change(zlib.gunzipSync(bytes)));
  if (form === 'zstd') return zlib.zstdCompressSync(change(zlib.zstdDecompressSync(bytes)));
  const entries = unzipSync(bytes);
  const names = Object.keys(entries);
  const name = names[random.integer(names.length)]!;
  return zipSync({ ...entries, [name]: change(entries[name]!) });
}
