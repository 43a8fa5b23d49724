/** The file of a companion folder that says where its weights lie. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { parseJson } from '../files/parseJson.ts';

export const GGUF_POINTER = 'gguf.json';

const pointerSchema = z.object({
  /** Absolute path. */
  file: z.string(),
  sizeBytes: z.number(),
  /** Of the file's header, from which the other files of the folder were made. */
  headerSha256: z.string(),
  /** `Q4_K_M`; as the file calls itself, else the type that holds most bytes. */
  quantisation: z.string(),
  /** What Graft does not use of the file's metadata, a sentence each. */
  notes: z.array(z.string()),
});
export type GgufPointer = z.infer<typeof pointerSchema>;

/** Undefined for a folder that stands for no GGUF file. Throws GGUF_POINTER where the pointer cannot be read. */
export function ggufPointer(dir: string): GgufPointer | undefined {
  const file = path.join(dir, GGUF_POINTER);
  if (!fs.existsSync(file)) return undefined;
  const json = parseJson(readForeignText(file));
  const parsed = 'problem' in json ? undefined : pointerSchema.safeParse(json.value);
  if (parsed?.success) return parsed.data;
  throw new GraftError(
    'GGUF_POINTER',
    `${file} does not say where the GGUF file of this model lies; remove the model and add its GGUF file again.`,
    { file },
  );
}

export function headerSha256({ headerBytes }: { headerBytes: Uint8Array }): string {
  return createHash('sha256').update(headerBytes).digest('hex');
}
