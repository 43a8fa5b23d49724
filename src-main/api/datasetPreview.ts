/** Rows as a run will see them: token by token, and how long they are. */
import { z } from 'zod';
import { toExample } from '../datasets/columns.ts';
import { countCharacters, countTokens, type LengthCounts } from '../datasets/lengths.ts';
import type { RowIndex } from '../datasets/rowIndex.ts';
import type { Survey } from '../datasets/survey.ts';
import { previewTokens, type PreviewedRow } from '../datasets/tokenPreview.ts';
import type { Example } from '../datasets/types.ts';
import type { Services } from '../services.ts';
import { dataSpecSchema } from '../trainer/protocol.ts';
import { modelDirOf, readingOf, sourceSchema } from './datasetInput.ts';
import { procedure } from './trpc.ts';

export interface TokenPreview {
  /** Good rows of the file. */
  total: number;
  rows: (PreviewedRow | { line: number; reason: string })[];
}

const previewSchema = sourceSchema.extend({
  modelId: z.string(),
  maxLength: dataSpecSchema.shape.maxLength,
  lossOn: dataSpecSchema.shape.lossOn,
  offset: z.number().int().min(0).default(0),
  count: z.number().int().min(1).max(50).default(1),
});

export function previewProcedures({ catalog, datasetFiles: files }: Services) {
  return {
    /** Tokens of good rows with what the trainer decides about each: loss or not, cut or not. */
    preview: procedure.input(previewSchema).query(async ({ input }): Promise<TokenPreview> => {
      const { file, format, map } = readingOf(catalog, input);
      const survey = await files.survey(file, format, map);
      const index = await files.index(file, format);
      const tokenizer = files.tokenizer(modelDirOf(catalog, input.modelId));
      const rows = [...survey.good.index.subarray(input.offset, input.offset + input.count)].flatMap((number) => {
        const example = exampleAt(index, survey, number);
        return example ? [previewTokens(example, tokenizer, input)] : [];
      });
      return { total: survey.good.count, rows };
    }),

    /** Lengths of all good rows: characters at once, tokens of a model as they are counted. */
    lengths: procedure.input(sourceSchema.extend({ modelId: z.string().optional(), lossOn: dataSpecSchema.shape.lossOn })).subscription(async function* ({ input, signal }): AsyncGenerator<LengthCounts> {
      const { file, format, map } = readingOf(catalog, input);
      const survey = await files.survey(file, format, map);
      if (input.modelId === undefined) return yield countCharacters(survey.good.characters);
      const index = await files.index(file, format);
      const tokenizer = files.tokenizer(modelDirOf(catalog, input.modelId));
      yield* countTokens(examplesOf(index, survey, signal), { total: survey.good.count, tokenizer, lossOn: input.lossOn });
    }),
  };
}

async function* examplesOf(index: RowIndex, { plan }: Survey, signal: AbortSignal | undefined): AsyncGenerator<Example> {
  for await (const row of index.rows(signal)) {
    const example = toExample(row, plan);
    if (!('reason' in example)) yield example;
  }
}

function exampleAt(index: RowIndex, { plan }: Survey, number: number): Example | undefined {
  const example = toExample(index.row(number), plan);
  return 'reason' in example ? undefined : example;
}
