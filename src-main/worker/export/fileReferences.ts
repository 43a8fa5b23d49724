/** A GGUF file in Graft's own engine: what its rounded weights compute, apart from how llama.cpp runs them. */
import fs from 'node:fs';
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { temporaryNameFor } from '../../files/writeWhole.ts';
import { writeCompanion } from '../../gguf/companion.ts';
import { allLogits, withModel } from '../verify/logits.ts';
import type { Reference } from '../verify/reference.ts';

/** The logits of the file for the ids of `references`. Throws as writeCompanion and openBaseModel. */
export async function fileReferences(file: string, references: readonly Reference[]): Promise<Reference[]> {
  const folder = temporaryNameFor(file);
  try {
    await writeCompanion(file, folder);
    const model = openBaseModel(folder);
    try {
      return await withModel(
        model,
        () => null,
        async (decoder) => {
          const all: Reference[] = [];
          for (const one of references) all.push({ ...one, logits: await allLogits(decoder, one.ids) });
          return all;
        },
      );
    } finally {
      model.close();
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
