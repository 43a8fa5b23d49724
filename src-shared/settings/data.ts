/** How the rows of a dataset are read, and which of them and of their tokens a run learns from. */
import { z } from 'zod';
import { DATASET_FORMATS } from '../datasets.ts';
import { PROMPT_TEMPLATE_LABELS, PROMPT_TEMPLATES } from '../promptTemplates.ts';
import { defineSettings, schemaOf } from './setting.ts';

/** Of a file, whatever is done with it. */
export const FILE_SETTINGS = defineSettings({
  format: {
    schema: z.enum(DATASET_FORMATS).optional(),
    label: 'Format',
    help: 'What the file is written in.',
    flag: 'format',
    value: 'NAME',
    placeholder: 'by its content',
  },
  part: {
    schema: z.string().min(1).max(1000).optional(),
    label: 'Part',
    help: 'Which part holds the rows: a sheet, the path of a list in a JSON file, a split or a file of a folder.',
    flag: 'part',
    value: 'NAME',
    placeholder: 'the first or only one; the split train',
  },
  noHeader: {
    schema: z.boolean().optional(),
    label: 'No header',
    help: 'The first line of a CSV file is a row; its columns are then called column 1, column 2 and so on.',
    flag: 'no-header',
  },
  map: {
    schema: z.record(z.string(), z.string()).default({}),
    label: 'Columns',
    help: 'Column A is called B in the file, such as prompt=question.',
    flag: 'map',
    value: 'A=B',
    repeatable: true,
  },
});

/** Of rows as tokens, for training and for measuring. */
export const LOSS_SETTINGS = defineSettings({
  lossOn: {
    schema: z.enum(['completion', 'all']).default('completion'),
    label: 'Loss on',
    help: 'Which tokens the model is graded on: usually only the answer, so that it does not learn to write prompts.',
    flag: 'loss-on',
    value: 'WHAT',
    choices: { completion: 'Completion only', all: 'All tokens' },
  },
  maxLength: {
    schema: z.number().int().min(2).default(256),
    label: 'Maximum length',
    help: 'Tokens per row; longer rows are cut at the end. Memory and time grow with it only where rows are that long.',
    flag: 'max-length',
    value: 'N',
  },
});

/** Which of the texts are tokens; runs from before this setting read every control token as one. */
export const CONTROL_SETTINGS = defineSettings({
  controlTokens: {
    schema: z.boolean().optional(),
    label: 'Control tokens',
    help: 'Control tokens of the model that the text of a row spells out, such as <|im_end|>, are tokens, not text.',
    flag: 'control-tokens',
  },
});

/** How a question is put; runs from before this setting put prompt and answer one after the other, or as Alpaca. */
export const TEMPLATE_SETTINGS = defineSettings({
  promptTemplate: {
    schema: z.enum(PROMPT_TEMPLATES).optional(),
    label: 'Prompt template',
    help:
      'What stands around a question and its answer. The adapter keeps it, and samples, playground, server and ' +
      'exported models put a question in the same way.',
    flag: 'prompt-template',
    value: 'NAME',
    placeholder: 'auto',
    choices: PROMPT_TEMPLATE_LABELS,
  },
  ownTemplate: {
    schema: z.string().min(1).max(100_000).optional(),
    label: 'Own template',
    help: 'For the prompt template "own": a chat template in Jinja, as Hugging Face has them.',
    flag: 'own-template',
    value: 'JINJA',
  },
});

export const LOSS_DEFAULTS = schemaOf(LOSS_SETTINGS).parse({});

/** What a run takes of its rows. */
const ROW_SETTINGS = defineSettings({
  classify: {
    schema: z.boolean().optional(),
    label: 'Classify',
    help:
      'Rows are texts with a label each (columns text and label): a head that tells the labels apart is trained ' +
      'with a LoRA.',
    flag: 'classify',
  },
  excludeLines: {
    schema: z.array(z.number().int().min(1)).optional(),
    label: 'Left-out lines',
    help: 'Lines of the file whose rows are not trained on, counted from 1; which rows validate stays the same.',
    flag: 'exclude-lines',
    value: 'LIST',
    form: 'lines counted from 1, such as 7,12-15',
  },
});

/** All that a run says of its data, beside which dataset it is. */
export const DATA_SETTINGS = { ...LOSS_SETTINGS, ...TEMPLATE_SETTINGS, ...CONTROL_SETTINGS, ...ROW_SETTINGS };
