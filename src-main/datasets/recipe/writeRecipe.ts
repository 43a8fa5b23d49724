/** The rows that a recipe leaves, as a JSONL file. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { GraftError } from '../../../src-shared/errors.ts';
import type { Recipe, RecipeReport } from '../../../src-shared/recipes.ts';
import type { WrittenRows } from '../editRows.ts';
import { rowTexts } from '../rowStore.ts';
import { carryOut, type CarriedOut, type RecipeSource } from './carryOut.ts';

export interface WrittenRecipe extends WrittenRows {
  report: RecipeReport;
}

const SLICE_ROWS = 256;

/**
 * Writes `file`, a new one, and flushes it to the disk; whoever asked gives it its final name, or removes it.
 * `onWritten`: called now and then. Throws what carryOut throws, and DATASET_NO_USABLE_ROWS where no row is left.
 */
export async function writeRecipe(
  recipe: Recipe,
  source: RecipeSource,
  { file, onWritten }: { file: string; onWritten: () => void },
): Promise<WrittenRecipe> {
  const carried = await carryOut(recipe, source);
  try {
    if (carried.report.kept === 0) throw nothingLeft();
    return { ...copyKept(carried, file, onWritten), report: carried.report };
  } finally {
    carried.scratch.close();
  }
}

function copyKept({ scratch, starts, kept }: CarriedOut, file: string, onWritten: () => void): WrittenRows {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let rows = 0;
  const fd = fs.openSync(file, 'wx');
  try {
    for (let from = 0; from < kept.length; from += SLICE_ROWS) {
      const texts = rowTexts(scratch.fd, starts, from, from + SLICE_ROWS).filter((_, i) => kept[from + i]);
      const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
      hash.update(bytes);
      fs.writeFileSync(fd, bytes);
      sizeBytes += bytes.length;
      rows += texts.length;
      onWritten();
    }
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  return { rows, sizeBytes, sha256: hash.digest('hex') };
}

function nothingLeft(): GraftError {
  return new GraftError(
    'DATASET_NO_USABLE_ROWS',
    'This recipe leaves no row at all; switch a step off, or loosen it, and try again.',
  );
}
