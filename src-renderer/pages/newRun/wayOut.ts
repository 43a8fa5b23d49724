/** For each reason why a run cannot start: the buttons that mend it. */
import type { ErrorData } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { LOSS_DEFAULTS } from '../../../src-shared/settings/data.ts';
import { TRAIN_DEFAULTS } from '../../../src-shared/settings/training.ts';
import { hashFor } from '../../../src-shared/routes.ts';
import type { Wizard } from './wizard.svelte.ts';
import type { Failure } from '../../lib/stream.ts';

export type WayOut = { label: string; run: () => void } | { label: string; href: string };

type Mend = (wizard: Wizard, details: Record<string, unknown>) => WayOut[];

const useLora: Mend = (wizard) => [{ label: 'Use LoRA', run: () => wizard.chooseMethod('lora') }];
const openModel: Mend = (wizard) => [{ label: 'Open it in Models', href: hashFor('models', wizard.draft.modelId) }];
const openData: Mend = (wizard) => [
  { label: 'Open it in Datasets', href: hashFor('datasets', wizard.draft.datasetId) },
];
/** A longer row, as far as the model goes, or without the rows that have nothing to learn. */
const moreTokens: Mend = (wizard, { maxLength, modelLength, rows }) => {
  const longer = nextLength(Number(maxLength ?? wizard.fit.settings.maxLength ?? LOSS_DEFAULTS.maxLength), modelLength);
  const lines = linesOf(rows);
  return [
    ...(longer === undefined
      ? []
      : [{ label: `Maximum length ${longer}`, run: () => wizard.fit.set({ maxLength: longer }) }]),
    ...(lines.length === 0
      ? []
      : [
          {
            label:
              lines.length === 1 ? 'Leave this row out' : `Leave these ${counted(lines.length, ['row', 'rows'])} out`,
            run: () => wizard.leaveOut(lines),
          },
        ]),
    ...openData(wizard, {}),
  ];
};

/** Twice as long, at most what the model sees; undefined where it sees no more. */
function nextLength(now: number, modelLength: unknown): number | undefined {
  const most = typeof modelLength === 'number' ? modelLength : Infinity;
  return now < most ? Math.min(2 * now, most) : undefined;
}

/** Lines of the rows that an error names. */
function linesOf(rows: unknown): number[] {
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown) => {
    const line = typeof row === 'object' && row !== null && 'line' in row ? row.line : undefined;
    return typeof line === 'number' ? [line] : [];
  });
}

const MENDS: Partial<Record<ErrorData['code'], Mend>> = {
  NO_BIASES: useLora,
  CLASSIFY_NEEDS_LORA: (wizard, details) => [
    ...useLora(wizard, details),
    { label: 'Do not classify', run: () => (wizard.draft.classify = false) },
  ],
  NOT_CLASSIFIABLE: (wizard) => [{ label: 'Do not classify', run: () => (wizard.draft.classify = false) }],
  BAD_RANK: (wizard, { largest }) =>
    typeof largest === 'number' ? [{ label: `Rank ${largest} at most`, run: () => lowerRanks(wizard, largest) }] : [],
  UNKNOWN_TARGET: (wizard) => [{ label: 'Usual targets', run: () => wizard.chooseUsual() }],
  UNKNOWN_LAYER: (wizard) => [{ label: 'Usual targets', run: () => wizard.chooseUsual() }],
  BAD_PATTERN: (wizard) => [
    { label: 'One rank and alpha for all', run: () => ((wizard.draft.ranks = {}), (wizard.draft.alphaPattern = {})) },
  ],
  METHOD_CLASH: (wizard) => [
    { label: 'Without DoRA', run: () => wizard.enter('dora', false) },
    { label: 'Usual start', run: () => wizard.enter('init', 'kaiming') },
  ],
  BAD_BOTTLENECK: (wizard, { hidden }) =>
    typeof hidden === 'number'
      ? [{ label: `Bottleneck ${hidden}`, run: () => wizard.enter('bottleneck', hidden) }]
      : [],
  BAD_SKIP: (wizard) => [{ label: 'Skip none', run: () => wizard.enter('skipLayers', 0) }],
  BAD_PREFIX: (wizard) => [
    {
      label: 'Prefix of 8',
      run: () => {
        wizard.enter('prefixLength', 8);
        wizard.enter('infixLength', 0);
      },
    },
  ],
  BASE_DTYPE: (wizard) => [
    {
      label: 'Base in float32',
      run: () => wizard.fit.set({ baseDtype: 'f32', embeddingDtype: 'f32' }),
    },
  ],
  BUFFER_TOO_LARGE: (wizard, { rows, mostTokens }) => [
    typeof rows === 'number' && rows > 0
      ? { label: `Batch ${rows}`, run: () => wizard.fit.set({ batch: rows }) }
      : {
          label: `Maximum length ${Number(mostTokens)}`,
          run: () => wizard.fit.set({ maxLength: Number(mostTokens) }),
        },
    { label: 'Gradient checkpointing', run: () => wizard.fit.set({ gradientCheckpointing: true }) },
  ],
  NO_LABEL_SMOOTHING: (wizard) => [{ label: 'No label smoothing', run: () => (wizard.draft.train.labelSmoothing = 0) }],
  NO_VALIDATION: (wizard) => [
    {
      label: 'Validate',
      run: () =>
        Object.assign(wizard.draft.train, {
          val: wizard.draft.train.val || TRAIN_DEFAULTS.val,
          evalEvery: wizard.draft.train.evalEvery || 20,
        }),
    },
  ],
  EVERYTHING_EXCLUDED: (wizard) => [{ label: 'Train on all rows', run: () => wizard.trainOnAll() }],
  DATASET_NO_LABELS: moreTokens,
  MODEL_CHANGED: openModel,
  NOT_FOUND: openData,
};

/** The best next steps for a failure; none where there is nothing better than to read it. */
export function wayOut(failure: Failure, wizard: Wizard): WayOut[] {
  const mend =
    MENDS[failure.code] ??
    (failure.code.startsWith('DATASET_')
      ? openData
      : /^(CHECKPOINT|SAFETENSORS|TOKENIZER|MODEL)_/.test(failure.code)
        ? openModel
        : undefined);
  return mend?.(wizard, failure.details) ?? [];
}

function lowerRanks(wizard: Wizard, largest: number): void {
  const { draft } = wizard;
  wizard.enter('rank', Math.min(wizard.rank, largest));
  draft.ranks = Object.fromEntries(Object.entries(draft.ranks).map(([cell, rank]) => [cell, Math.min(rank, largest)]));
}
