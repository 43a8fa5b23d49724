/** Puts pairs of answers to a model, each twice with the answers swapped, and reads how much it holds by A or B. */
import { openBaseModel } from '../../basemodel/baseModel.ts';
import { templated } from '../../datasets/promptTemplates.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { judgeQuestion } from '../../evaluation/judge.ts';
import { useBackend } from '../backend.ts';
import type { CallControl } from '../control.ts';
import { loadDecoder } from '../loadDecoder.ts';
import { layoutOf } from '../verify/evaluate.ts';
import { baseFormsOf } from '../../../src-shared/baseDtypes.ts';
import type { ColumnPlan } from '../../../src-shared/datasets.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { JudgeParams, PairOdds } from '../../../src-shared/judge.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';
import { AskedRows } from './askedRows.ts';
import { rowLossSum } from './rowLoss.ts';

const PLAN: ColumnPlan = { kind: 'completion', columns: { prompt: 'prompt', completion: 'completion' } };

/** In the order of the pairs. Throws what loading the model throws, and CANCELLED once it is to stop. */
export async function judge(
  { modelDir, engine, rubric, pairs, ...forms }: JudgeParams,
  emit: (event: WorkerCalls['judge']['event']) => void,
  control: CallControl,
): Promise<PairOdds[]> {
  const base = openBaseModel(modelDir);
  try {
    await useBackend(engine);
    const tokenizer = loadTokenizer(modelDir);
    const isChat = tokenizer.chatTemplate !== undefined;
    const { kept } = templated(PLAN, tokenizer, { promptTemplate: isChat ? 'model' : 'none' });
    const { vocab, maxPositions: maxLength } = base.spec;
    const rows = new AskedRows(PLAN, tokenizer, { kept, vocab, maxLength });
    const model = await loadDecoder(base, baseFormsOf(forms));
    const options = { layout: layoutOf(null, vocab, 'completion'), padId: tokenizer.padId };
    // A model without a chat template goes on with a text, where a word follows a space.
    const [frame, space] = isChat ? ['', ''] : ['\n\nBetter answer:', ' '];
    const logP = async (prompt: string, letter: string): Promise<number | { problem: string }> => {
      const row = rows.choiceRow({ line: 1, values: { prompt, completion: letter } }, `${space}${letter}`);
      if ('reason' in row) return { problem: row.reason };
      if (row.truncated) return { problem: 'question and answers are longer than the judge sees at once' };
      return -(await rowLossSum(model, row, options)).sum;
    };
    /** log p("A") - log p("B"). */
    const oddsOf = async (question: string): Promise<number | { problem: string }> => {
      const [a, b] = [await logP(question + frame, 'A'), await logP(question + frame, 'B')];
      if (typeof a !== 'number') return a;
      return typeof b === 'number' ? a - b : b;
    };
    try {
      const found: PairOdds[] = [];
      for (const [i, pair] of pairs.entries()) {
        if (control.stopped) throw new GraftError('CANCELLED', 'This was cancelled; nothing of it was kept.');
        const asA = await oddsOf(judgeQuestion(pair, [pair.first, pair.second], rubric));
        const asB = await oddsOf(judgeQuestion(pair, [pair.second, pair.first], rubric));
        if (typeof asA !== 'number') found.push(asA);
        else found.push(typeof asB === 'number' ? { odds: [asA, asB] } : asB);
        emit({ done: i + 1, total: pairs.length });
      }
      return found;
    } finally {
      model.dispose();
    }
  } finally {
    base.close();
  }
}
