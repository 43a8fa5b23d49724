/** The rows of a run, checked against its spec. */
import { assertTrainable } from '../../datasets/dataset.ts';
import { taughtEnds } from '../../datasets/endTokens.ts';
import { lengthNotes, rowNotes } from '../../datasets/rowNotes.ts';
import { splitRowList } from '../../datasets/split.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import {
  prepareTokens,
  tokensOrSample,
  type PreparedTokens,
  type TokensWanted,
} from '../../datasets/tokens/preparedTokens.ts';
import { markedRows, pairedRows } from '../../datasets/choices.ts';
import { changedRows, chosenRows, indicesWhere, lineOf, type RowList } from '../../datasets/tokens/rowList.ts';
import { RowMeter } from './rowMeter.ts';
import type { Answers } from '../../datasets/tokeniseExample.ts';
import type { DatasetKind } from '../../../src-shared/datasets.ts';
import { withVirtualTokens, type VirtualLayout } from '../../datasets/virtualTokens.ts';
import { GraftError, toErrorData, usageError } from '../../../src-shared/errors.ts';
import type { LoadProgress } from '../../../src-shared/loadProgress.ts';
import type { KeptTemplate } from '../../../src-shared/promptTemplates.ts';
import type { EndToken } from '../../../src-shared/tokens.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import { isPaired, OBJECTIVE_TYPES } from '../../../src-shared/objectives.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { checkClassify, checkObjective, checkSamples } from '../../methods/checkMethod.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { checkTrainSettings } from '../../../src-shared/settings/training.ts';

export interface RunData {
  train: RowList;
  val: RowList;
  /** The classes, where texts are classified. */
  labels?: string[];
  /** Those that the training rows teach as the end of an answer, beside the tokenizer's own. */
  endTokens: EndToken[];
  padId: number;
  tokenizer: TextTokenizer;
  /** Pairs count as what their prompts and answers are. */
  kind: Exclude<DatasetKind, 'preference'>;
  /** How their questions are put; absent in runs from before there was a choice. */
  promptTemplate?: KeptTemplate;
  /** Control tokens that texts spell out are tokens, not text. */
  controlTokens: boolean;
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: boolean;
  /** Most tokens of a row. */
  maxLength: number;
  /**
   * Where rows are tokenised as they are asked for: tokenises all of them beside, and says what is known of them only
   * then. Never fails: without it the run goes on as it has begun.
   */
  rest?: () => Promise<void>;
}

/** The tokenised rows of a run, before they are checked against its settings and split. */
export interface PreparedRows {
  /** To be closed by whoever asked for it. */
  prepared: PreparedTokens;
  tokenizer: TextTokenizer;
  /** Most tokens of a row that the model takes, and at which its rows are cut; virtual ones aside. */
  modelLength: number;
  maxLength: number;
}

export interface RowsWanted {
  /** Of a large file that has not been tokenised yet a sample of its rows is enough. */
  sampled?: boolean;
  /** Of files above it rows may be tokenised as they are asked for. */
  earlyBytes?: number | undefined;
  emit?: (event: TrainEvent) => void;
}

/** Throws what prepareTokens and loadTokenizer throw. */
export async function prepareRows(
  spec: RunSpec,
  { maxPositions, vocab }: ArchitectureSpec,
  { sampled = false, earlyBytes, emit = () => undefined }: RowsWanted = {},
): Promise<PreparedRows> {
  const tokenizer = loadTokenizer(spec.model.dir);
  const virtual = virtualLayout(spec, vocab);
  const modelLength = maxPositions - countOf(virtual);
  const maxLength = Math.min(spec.data.maxLength, modelLength);
  const controlTokens = readsControlTokens(spec);
  const answers: Answers | undefined = spec.objective && (isPaired(spec.objective) ? 'pairs' : 'marked');
  const options = { ...spec.data, answers, controlTokens, maxLength, tokenizer, vocab, modelDir: spec.model.dir };
  const prepared = sampled ? await tokensOrSample(options) : await prepareTokens(options, wantedTokens());
  return { prepared, tokenizer, modelLength, maxLength };

  function wantedTokens(): TokensWanted {
    const tell = (progress: LoadProgress): void => emit({ type: 'loading', ...progress });
    const { packing, bucketing } = spec.train;
    return {
      onTokenised: new RowMeter('tokenise', tell).add,
      onLooked: new RowMeter('look', tell).add,
      earlyBytes,
      needsAll:
        packing || bucketing ? `${packing ? 'packing' : 'sorting by length'} needs the length of each` : undefined,
      onWait: (why) => emit({ type: 'log', message: `All rows are tokenised before the first step, since ${why}.` }),
    };
  }
}

/**
 * Throws where the data has changed, cannot be used or does not suit the settings; says in the log what is left out or
 * cut. `close` the rows in the end.
 */
export async function readData(
  spec: RunSpec,
  architecture: ArchitectureSpec,
  emit: (event: TrainEvent) => void,
  { earlyBytes }: Pick<RowsWanted, 'earlyBytes'> = {},
): Promise<RunData & { close: () => void }> {
  checkClassify(spec.data, spec.method);
  checkObjective(spec);
  checkSamples(spec);
  const rows = await prepareRows(spec, architecture, { emit, earlyBytes });
  try {
    const { close, rest } = rows.prepared;
    const data = { ...splitRows(spec, architecture, rows, emit), close };
    if (!rest) return data;
    let begun: Promise<void> | undefined;
    return { ...data, rest: () => (begun ??= tokeniseRest(rest, data, emit)) };
  } catch (error) {
    rows.prepared.close();
    throw error;
  }
}

/** Says what is cut or spelled out once that is known of all rows. */
async function tokeniseRest(
  rest: NonNullable<PreparedTokens['rest']>,
  { controlTokens }: Pick<RunData, 'controlTokens'>,
  emit: (event: TrainEvent) => void,
): Promise<void> {
  emit({
    type: 'log',
    message:
      'The first step does not wait for all rows: each is tokenised when a step needs it, and all of them meanwhile; ' +
      'how many are cut is said once they are.',
  });
  try {
    for (const message of lengthNotes(await rest(), controlTokens)) emit({ type: 'log', message });
  } catch (error) {
    const { code, message } = toErrorData(error);
    if (code !== 'CANCELLED') emit({ type: 'log', message: `The tokens of all rows are not kept: ${message}` });
  }
}

/** As readData, of rows that have been tokenised. */
export function splitRows(
  spec: RunSpec,
  { vocab }: ArchitectureSpec,
  { prepared, tokenizer, modelLength, maxLength }: PreparedRows,
  emit: (event: TrainEvent) => void,
): RunData {
  const virtual = virtualLayout(spec, vocab);
  if (spec.data.hash !== undefined && !prepared.sample && prepared.sha256 !== spec.data.hash) {
    throw new GraftError(
      'DATASET_CHANGED',
      `${spec.data.file} has changed since the run was set up; add the dataset again and start a new run.`,
      { file: spec.data.file },
    );
  }
  checkKind(prepared.kind, spec.objective);
  const { allowBadRows, excludeLines: excluded = [] } = spec.data;
  assertTrainable(prepared, { allowBadRows, excluded, modelLength });
  const limitedByModel = maxLength < spec.data.maxLength;
  const controlTokens = readsControlTokens(spec);
  for (const message of rowNotes(prepared, { limitedByModel, controlTokens })) emit({ type: 'log', message });
  const rows = virtual
    ? changedRows(prepared.examples, (row) => withVirtualTokens(row, virtual), countOf(virtual))
    : prepared.examples;
  const asChoices = spec.objective && (isPaired(spec.objective) ? pairedRows : markedRows);
  const examples = asChoices ? asChoices(rows, tokenizer) : rows;
  const parts = splitRowList(examples, spec.train.val, spec.train.seed);
  checkTrainSettings(spec.train, parts.val.length);
  const train = withoutLines(parts.train, spec);
  return {
    train,
    val: parts.val,
    ...(prepared.labels ? { labels: prepared.labels } : {}),
    endTokens: taughtEnds(train, tokenizer),
    padId: tokenizer.padId,
    tokenizer,
    kind: prepared.kind === 'preference' ? 'completion' : prepared.kind,
    ...(prepared.promptTemplate ? { promptTemplate: prepared.promptTemplate } : {}),
    controlTokens,
    sharedLines: prepared.sharedLines,
    maxLength: maxLength + countOf(virtual),
  };
}

/** Throws a usage error DATASET_PAIRS where pairs would be learnt as answers, of which the rejected ones are lost. */
function checkKind(kind: DatasetKind, objective: RunSpec['objective']): void {
  if (kind !== 'preference' || objective) return;
  throw usageError(
    'DATASET_PAIRS',
    'The rows are pairs of a chosen and a rejected answer; choose an objective ' +
      `(--objective ${OBJECTIVE_TYPES.join(', ')}) to learn from both, or learn the chosen ones alone ` +
      '(--map completion=chosen).',
  );
}

/** Runs from before the setting read control tokens in the text of a row as tokens. */
function readsControlTokens({ data }: RunSpec): boolean {
  return data.controlTokens ?? true;
}

/** Throws EVERYTHING_EXCLUDED. */
function withoutLines(rows: RowList, { data }: RunSpec): RowList {
  const lines = new Set(data.excludeLines);
  if (lines.size === 0 && rows.length > 0) return rows;
  const left = indicesWhere(rows.length, (row) => !lines.has(lineOf(rows, row)));
  if (left.length > 0) return chosenRows(rows, left);
  throw usageError(
    'EVERYTHING_EXCLUDED',
    `${rows.length === 1 ? 'The only row to train on is' : `All ${rows.length} rows to train on are`} among the ` +
      'excluded lines; exclude fewer.',
    { rows: rows.length },
  );
}

function countOf(virtual: VirtualLayout | undefined): number {
  return virtual ? virtual.prefix + virtual.infix : 0;
}

/** The virtual tokens that a method puts into every row. Throws INFIX_NEEDS_ANSWERS. */
function virtualLayout({ method, data }: RunSpec, vocab: number): VirtualLayout | undefined {
  const tokens = descriptorOf(method.type).virtualTokens?.(method);
  if (!tokens) return undefined;
  if (tokens.infix > 0 && data.lossOn === 'all') {
    throw usageError(
      'INFIX_NEEDS_ANSWERS',
      'An infix stands between prompt and answer, but with the loss on all tokens there is no such place; put ' +
        'the loss on completions or leave the infix out.',
    );
  }
  return { ...tokens, vocab };
}
