/** Rows as a run will see them: token by token, and how long they are. */
import type { z } from 'zod';
import { toExample } from '../../datasets/examples.ts';
import { asking } from '../../datasets/promptTemplates.ts';
import { countCharacters } from '../../datasets/lengthCounts.ts';
import type { LengthCounts, PreviewedRow } from '../../../src-shared/tokens.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import { streamOfCall } from '../events/stream.ts';
import type { ModelService } from '../models/service.ts';
import type { lengthsSchema, previewSchema } from './inputs.ts';
import type { DatasetService } from './service.ts';
import type { TokenService } from './tokenService.ts';

export interface TokenPreview {
  /** Good rows of the file. */
  total: number;
  /** Tokens at which rows are cut: what was asked for, or the most that the model sees. */
  maxLength: number;
  rows: (PreviewedRow | BadRow)[];
}

export class DatasetPreview {
  #datasets: DatasetService;
  #models: ModelService;
  #tokens: TokenService;

  constructor(datasets: DatasetService, models: ModelService, tokens: TokenService) {
    this.#datasets = datasets;
    this.#models = models;
    this.#tokens = tokens;
  }

  /** Tokens of good rows with what training decides about each: loss or not, cut or not. */
  async tokens(input: z.output<typeof previewSchema>): Promise<TokenPreview> {
    const { files } = this.#datasets;
    const reading = this.#datasets.reading(input);
    const { good, plan: found } = await files.survey(reading);
    const index = await files.index(reading);
    const { modelId, offset, count, lossOn, controlTokens, promptTemplate } = input;
    const plan = asking(found, { promptTemplate });
    const examples = [...good.index.subarray(offset, offset + count)].flatMap((number) => {
      const example = toExample(index.row(number), plan);
      return 'reason' in example ? [] : [example];
    });
    const { dir: modelDir, maxPositions, vocab } = this.#models.require(modelId);
    const maxLength = Math.min(input.maxLength, maxPositions);
    const rows = await this.#tokens.preview({
      modelDir,
      plan,
      promptTemplate,
      examples,
      lossOn,
      controlTokens,
      maxLength,
      vocab,
    });
    return { total: good.count, maxLength, rows };
  }

  /** Lengths of all good rows: characters at once, tokens of a model as they are counted. */
  async *lengths(
    input: z.output<typeof lengthsSchema>,
    signal?: AbortSignal,
  ): AsyncGenerator<LengthCounts, void, void> {
    const reading = this.#datasets.reading(input);
    const { plan, good } = await this.#datasets.files.survey(reading);
    if (input.modelId === undefined) {
      yield countCharacters(good.characters);
      return;
    }
    const modelDir = this.#models.require(input.modelId).dir;
    const { file, format, part, noHeader } = reading;
    const { lossOn, controlTokens, promptTemplate } = input;
    const rules = { plan: asking(plan, { promptTemplate }), promptTemplate, lossOn, controlTokens };
    const params = { modelDir, file, format, part, noHeader, ...rules, total: good.count };
    yield* streamOfCall<LengthCounts>((tell) => this.#tokens.count(params, tell), signal);
  }
}
