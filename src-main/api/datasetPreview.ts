/** Rows as a run will see them: token by token, and how long they are. */
import { z } from 'zod';
import { toExample } from '../datasets/columns.ts';
import { countCharacters } from '../datasets/lengths.ts';
import type { LengthCounts, PreviewedRow } from '../../src-shared/tokens.ts';
import type { BadRow } from '../../src-shared/datasets.ts';
import type { Services } from '../app/services.ts';
import { dataSpecSchema } from '../../src-shared/runSpec.ts';
import { modelDirOf, readingOf, sourceSchema } from '../app/datasets/input.ts';
import { streamOf } from './stream.ts';
import { procedure } from './trpc.ts';

export interface TokenPreview {
  /** Good rows of the file. */
  total: number;
  rows: (PreviewedRow | BadRow)[];
}

const previewSchema = sourceSchema.extend({
  modelId: z.string(),
  maxLength: dataSpecSchema.shape.maxLength,
  lossOn: dataSpecSchema.shape.lossOn,
  offset: z.number().int().min(0).default(0),
  count: z.number().int().min(1).max(50).default(1),
});

export function previewProcedures({ catalog, datasetFiles: files, tokens }: Services) {
  return {
    /** Tokens of good rows with what the trainer decides about each: loss or not, cut or not. */
    preview: procedure.input(previewSchema).query(async ({ input }): Promise<TokenPreview> => {
      const { file, format, map } = readingOf(catalog, input);
      const survey = await files.survey(file, format, map);
      const index = await files.index(file, format);
      const { modelId, offset, count, lossOn, maxLength } = input;
      const examples = [...survey.good.index.subarray(offset, offset + count)].flatMap((number) => {
        const example = toExample(index.row(number), survey.plan);
        return 'reason' in example ? [] : [example];
      });
      return {
        total: survey.good.count,
        rows: await tokens.preview({ modelDir: modelDirOf(catalog, modelId), examples, lossOn, maxLength }),
      };
    }),

    /** Lengths of all good rows: characters at once, tokens of a model as they are counted. */
    lengths: procedure
      .input(sourceSchema.extend({ modelId: z.string().optional(), lossOn: dataSpecSchema.shape.lossOn }))
      .subscription(async function* ({ input, signal }): AsyncGenerator<LengthCounts> {
        const { file, format, map } = readingOf(catalog, input);
        const { plan, good } = await files.survey(file, format, map);
        if (input.modelId === undefined) return yield countCharacters(good.characters);
        const params = {
          modelDir: modelDirOf(catalog, input.modelId),
          file,
          format,
          plan,
          total: good.count,
          lossOn: input.lossOn,
        };
        const heard = streamOf<Counted>(
          (listener) => {
            const { ended, stop } = tokens.count(params, (counts) => listener({ counts }));
            ended.then(
              () => listener({ error: undefined }),
              (error: unknown) => listener({ error }),
            );
            return stop;
          },
          { isLast: (event) => !('counts' in event), signal },
        );
        for await (const event of heard) {
          if ('counts' in event) yield event.counts;
          else if (event.error) throw event.error;
        }
      }),
  };
}

/** Counts so far, or the end, with what went wrong. */
type Counted = { counts: LengthCounts } | { error: unknown };
