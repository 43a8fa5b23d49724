/** A dataset file at a glance, before any run: what it is, which rows are bad, and how rows will look to the model. */
import { PLAIN_STYLE } from './chat.ts';
import { readExamples, tokeniseExamples } from './dataset.ts';
import type { PreparedDataset } from './dataset.ts';
import { factsOf } from './fileIdentity.ts';
import { checkLarge } from './checkLarge.ts';
import { previewRows } from './preview.ts';
import { IN_MEMORY_BYTES } from './tokens/preparedTokens.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { CheckOptions, DatasetCheck } from '../../src-shared/datasets.ts';

/** Throws what readExamples and loadTokenizer throw; bad rows are reported, not thrown. */
export async function checkDataset(options: CheckOptions): Promise<DatasetCheck> {
  if ((factsOf(options.file).sizeBytes ?? 0) > IN_MEMORY_BYTES) return checkLarge(options);
  const tokenizer = options.tokenizerDir === undefined ? undefined : loadTokenizer(options.tokenizerDir);
  const set = await readExamples(options, tokenizer);
  const tokenised: PreparedDataset | undefined =
    tokenizer &&
    (await tokeniseExamples(set, {
      tokenizer,
      maxLength: options.maxLength ?? Infinity,
      lossOn: options.lossOn ?? 'completion',
      controlTokens: options.controlTokens,
      vocab: options.vocab,
    }));
  const { file, format, columns, notes, sizeBytes, sha256 } = set.read;
  return {
    file,
    format,
    kind: set.kind,
    columns,
    notes,
    rows: tokenised ? tokenised.examples.length : set.examples.length,
    bad: tokenised ? tokenised.bad : set.bad,
    sharedLines: set.read.sharedLines,
    sizeBytes,
    sha256,
    preview: previewRows(set.examples, tokenizer ?? PLAIN_STYLE),
    unused: set.unused,
    ...(tokenised
      ? { stats: tokenised.stats, unusable: tokenised.unusable, controlTokenRows: tokenised.controlTokenRows }
      : {}),
  };
}
