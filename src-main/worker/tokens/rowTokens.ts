/** Tokenises rows to show and to count their tokens, before any run. */
import { toExample } from '../../datasets/examples.ts';
import type { ColumnPlan, Example, FileRules } from '../../../src-shared/datasets.ts';
import { LastTokenizer } from '../../datasets/lastTokenizer.ts';
import { countTokens } from '../../datasets/lengthCounts.ts';
import type { LengthCounts } from '../../../src-shared/tokens.ts';
import { templated } from '../../datasets/promptTemplates.ts';
import { openRows } from '../../datasets/read.ts';
import { previewTokens } from '../../datasets/tokenPreview.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';

const last = new LastTokenizer();

export async function previewRowTokens({
  modelDir,
  plan,
  promptTemplate,
  examples,
  ...settings
}: WorkerCalls['previewTokens']['params']): Promise<WorkerCalls['previewTokens']['result']> {
  const { tokenizer } = templated(plan, last.of(modelDir), { promptTemplate });
  return examples.map((example) => previewTokens(example, tokenizer, settings));
}

/** Counts the good rows of a file; the last event has all of them. */
export async function countRowTokens(
  { modelDir, plan, promptTemplate, total, lossOn, controlTokens, ...reading }: WorkerCalls['countTokens']['params'],
  emit: (counts: LengthCounts) => void,
): Promise<void> {
  const { tokenizer } = templated(plan, loadTokenizer(modelDir), { promptTemplate });
  for await (const counts of countTokens(goodRows(reading, plan), { total, tokenizer, lossOn, controlTokens }))
    emit(counts);
}

async function* goodRows({ file, ...rules }: FileRules & { file: string }, plan: ColumnPlan): AsyncGenerator<Example> {
  for await (const row of (await openRows(file, rules)).rows) {
    if ('reason' in row) continue;
    const example = toExample(row, plan);
    if (!('reason' in example)) yield example;
  }
}
