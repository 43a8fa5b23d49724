/** The loss of a base model on single rows of a file: those far from the others are often not what they should be. */
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { collate } from '../../datasets/batches.ts';
import { toExample } from '../../datasets/examples.ts';
import { templated } from '../../datasets/promptTemplates.ts';
import { openRows } from '../../datasets/read.ts';
import { tokeniseExample } from '../../datasets/tokeniseExample.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import type { TokenisedExample } from '../../datasets/types.ts';
import { evaluateLoss } from '../../engine/train/evaluate.ts';
import type { RowLoss } from '../../../src-shared/recipes.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { useBackend } from '../backend.ts';
import { loadDecoder } from '../loadDecoder.ts';

type Params = WorkerCalls['rowLosses']['params'];
type NumberedExample = Omit<TokenisedExample, 'group'> & { index: number };

/** In the order of the file; rows that cannot be tokenised, or have nothing to learn, are left out. */
export async function rowLosses(
  params: Params,
  emit: (event: WorkerCalls['rowLosses']['event']) => void,
): Promise<RowLoss[]> {
  const base = openBaseModel(params.modelDir);
  try {
    await useBackend(params.engine);
    const maxLength = Math.min(params.maxLength, base.spec.maxPositions);
    const examples = await chosenExamples({ ...params, maxLength }, base.spec.vocab);
    const model = await loadDecoder(base);
    const losses: RowLoss[] = [];
    const { padId } = loadTokenizer(params.modelDir);
    for (const [i, { index, line }] of examples.entries()) {
      const { loss, tokens } = await evaluateLoss(model, [collate(examples, [i], padId)]);
      losses.push({ index, line, loss, tokens });
      emit({ done: i + 1, total: examples.length });
    }
    model.dispose();
    return losses;
  } finally {
    base.close();
  }
}

/** Of a document that is longer than a row may be, the first piece. */
async function chosenExamples({ plan: found, ...params }: Params, vocab: number): Promise<NumberedExample[]> {
  const { file, format, part, noHeader, modelDir, maxLength } = params;
  const { plan, tokenizer } = templated(found, loadTokenizer(modelDir), {});
  const wanted = new Set(params.rows);
  const stream = await openRows(file, { format, part, noHeader });
  const examples: NumberedExample[] = [];
  let index = 0;
  for await (const row of stream.rows) {
    if (examples.length === wanted.size) break;
    if ('reason' in row || !wanted.has(index++)) continue;
    const example = toExample(row, plan);
    if ('reason' in example) continue;
    const isPiece = stream.format === 'text';
    const tokenised = tokeniseExample(example, { tokenizer, lossOn: 'completion', vocab, maxLength, isPiece });
    const [first] = 'rows' in tokenised ? tokenised.rows : [];
    if (first) examples.push({ ...first, index: index - 1 });
  }
  return examples;
}
