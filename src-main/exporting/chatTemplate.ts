/** The chat template of an exported model: how its adapters were asked in training. */
import fs from 'node:fs';
import path from 'node:path';
import { keptTemplate } from '../adapters/keptTemplate.ts';
import { chatTemplateIn } from '../datasets/tokenizerFiles.ts';
import type { DatasetKind } from '../../src-shared/datasets.ts';
import type { KeptTemplate } from '../../src-shared/promptTemplates.ts';

/** That of all adapters; undefined where there is none, one does not say, or two of them differ. */
export function commonTemplate(adapterDirs: readonly string[]): KeptTemplate | undefined {
  const [first, ...others] = adapterDirs.map(keptTemplate);
  return first && others.every((one) => one?.name === first.name && one.template === first.template)
    ? first
    : undefined;
}

/**
 * The text that an export writes as its chat template; undefined where the base's own files say it already. Throws
 * TOKENIZER_BROKEN.
 */
export function newTemplate(baseDir: string, kept: KeptTemplate | undefined): string | undefined {
  if (kept?.template === undefined || !fs.existsSync(path.join(baseDir, 'tokenizer.json'))) return undefined;
  return kept.template === chatTemplateIn(baseDir) ? undefined : kept.template;
}

/** The kind of rows by whose frame a model is asked: what an adapter has kept goes before what such rows have. */
export function askedAs(kept: KeptTemplate | undefined, rows: DatasetKind | undefined): DatasetKind | undefined {
  if (!kept) return rows;
  return kept.template === undefined ? 'completion' : 'messages';
}
