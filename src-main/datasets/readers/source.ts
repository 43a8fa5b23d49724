/** The text of a dataset file in pieces, decoded; a byte order mark is dropped. */
import { GraftError } from '../../../src-shared/errors.ts';
import type { ByteSource } from './bytes.ts';

/** `encoding`: as encodingOf found it. Throws GraftError DATASET_ENCODING where the file is another by now. */
export async function* textOf(
  source: ByteSource,
  encoding: string,
  onProgress?: (doneBytes: number) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: encoding === 'utf-8' });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch (error) {
      throw new GraftError(
        'DATASET_ENCODING',
        `The dataset ${source.file} is not valid UTF-8 text any more; save it as UTF-8 and try again.`,
        { file: source.file },
        { cause: error },
      );
    }
  };
  for await (const bytes of source.chunks(onProgress)) {
    const text = decode(bytes);
    if (text) yield text;
  }
  const rest = decode();
  if (rest) yield rest;
}

export function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
