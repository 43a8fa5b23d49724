/**
 * ggml's own quantisation: ggml_quantize_chunk of the prebuilt libggml-base that comes with node-llama-cpp, called
 * through koffi. Both packages are optional, so they are looked for when they are needed.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { KoffiFunc } from 'koffi';
import { GraftError } from '../../src-shared/errors.ts';

export interface Ggml {
  /**
   * Quantises whole rows of `width` values into `out`, which has exactly the bytes that they take; many rows on several
   * threads. type: `enum ggml_type`.
   */
  quantise(type: number, rows: Float32Array, width: number, out: Uint8Array): Promise<void>;
}

/** Values from which on a thread is worth its start. */
const VALUES_PER_THREAD = 1 << 18;

let opened: Ggml | undefined;

/** Throws GraftError LLAMACPP_ABSENT where the library or koffi is missing. */
export async function openGgml(): Promise<Ggml> {
  return (opened ??= await load());
}

/** As the builds name it, some with llama.cpp's version. */
const LIBRARY = /^(lib)?ggml-base(\.v[\d.]+)?\.(so|dylib|dll)$/;

/** The library's file; undefined where this platform's package is not installed. */
export function ggmlLibrary(): string | undefined {
  const platform = { win32: 'win', darwin: 'mac', linux: 'linux' }[process.platform as string];
  const arch = { arm: 'armv7l' }[process.arch as string] ?? process.arch;
  const build = `${platform}-${arch}${platform === 'mac' && arch === 'arm64' ? '-metal' : ''}`;
  try {
    const entry = createRequire(import.meta.url).resolve(`@node-llama-cpp/${build}`);
    const folder = path.join(path.dirname(entry), '..', 'bins', build);
    const name = fs.readdirSync(folder).find((file) => LIBRARY.test(file));
    if (name === undefined) return undefined;
    // In a package the library lies beside the archive, where the system can open it (electron-builder.yml).
    return path.join(folder, name).replace(`app.asar${path.sep}`, `app.asar.unpacked${path.sep}`);
  } catch {
    return undefined;
  }
}

/** Whether openGgml would find what it needs. */
export function hasGgml(): boolean {
  return ggmlLibrary() !== undefined && hasKoffi();
}

function hasKoffi(): boolean {
  try {
    createRequire(import.meta.url).resolve('koffi');
    return true;
  } catch {
    return false;
  }
}

async function load(): Promise<Ggml> {
  const library = ggmlLibrary();
  if (library === undefined || !hasKoffi()) throw ggmlMissing();
  const { default: koffi } = await import('koffi');
  const quantize = koffi
    .load(library)
    .func('size_t ggml_quantize_chunk(int, const float *, void *, int64_t, int64_t, int64_t, const float *)');
  return {
    quantise: async (type, rows, width, out) => {
      const count = rows.length / width;
      const rowBytes = out.length / count;
      const check = (written: unknown, rowsDone: number): void => {
        if (Number(written) !== rowsDone * rowBytes)
          throw new Error(
            `ggml wrote ${String(written)} bytes of type ${type} for ${rowsDone} rows of ${width} values`,
          );
      };
      if (rows.length < 2 * VALUES_PER_THREAD) return check(quantize(type, rows, out, 0, count, width, null), count);
      const part = Math.ceil(VALUES_PER_THREAD / width);
      const parts = Array.from({ length: Math.ceil(count / part) }, (_, i) => i * part);
      await Promise.all(
        parts.map(async (start) => {
          const end = Math.min(start + part, count);
          const [from, to] = [
            rows.subarray(start * width, end * width),
            out.subarray(start * rowBytes, end * rowBytes),
          ];
          check(await inThread(quantize, [type, from, to, 0, end - start, width, null]), end - start);
        }),
      );
    },
  };
}

/** koffi's asynchronous call; the arguments stay referenced until it is over. */
function inThread(call: KoffiFunc<(...parameters: unknown[]) => unknown>, parameters: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.async(...parameters, (error: unknown, result: unknown) => {
      if (error) reject(error as Error);
      else resolve(result);
    });
  });
}

export function ggmlMissing(): GraftError {
  const what = ggmlLibrary() === undefined ? 'node-llama-cpp' : 'koffi';
  return new GraftError(
    'LLAMACPP_ABSENT',
    `The K-quants are made by llama.cpp's own library, and ${what} is not installed for this platform; install ` +
      'it (npm install node-llama-cpp koffi), or choose F32, F16, BF16, Q8_0 or Q4_0, which need nothing more.',
    { missing: what },
  );
}
