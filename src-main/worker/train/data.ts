/** The rows of a run, checked against its spec. */
import { assertTrainable, prepareDataset, type PreparedDataset } from '../../datasets/dataset.ts';
import { taughtEnds } from '../../datasets/endTokens.ts';
import { rowNotes } from '../../datasets/rowNotes.ts';
import { splitExamples } from '../../datasets/split.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import type { TokenisedExample } from '../../datasets/types.ts';
import type { DatasetKind } from '../../../src-shared/datasets.ts';
import { withVirtualTokens, type VirtualLayout } from '../../datasets/virtualTokens.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { EndToken } from '../../../src-shared/tokens.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { checkClassify, checkSamples } from '../../methods/checkMethod.ts';
import type { RunSpec } from '../../../src-shared/runSpec.ts';
import type { TrainEvent } from '../../../src-shared/training.ts';
import { checkTrainSettings } from '../../../src-shared/settings/training.ts';

export interface RunData {
  train: TokenisedExample[];
  val: TokenisedExample[];
  /** The classes, where texts are classified. */
  labels?: string[];
  /** Those that the training rows teach as the end of an answer, beside the tokenizer's own. */
  endTokens: EndToken[];
  padId: number;
  tokenizer: TextTokenizer;
  kind: DatasetKind;
  /** Control tokens that texts spell out are tokens, not text. */
  controlTokens: boolean;
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: boolean;
  /** Most tokens of a row. */
  maxLength: number;
}

/** The tokenised rows of a run, before they are checked against its settings and split. */
export interface PreparedRows {
  prepared: PreparedDataset;
  tokenizer: TextTokenizer;
  /** Most tokens of a row that the model takes, and at which its rows are cut; virtual ones aside. */
  modelLength: number;
  maxLength: number;
}

/** Throws what prepareDataset and loadTokenizer throw. */
export async function prepareRows(spec: RunSpec, { maxPositions, vocab }: ArchitectureSpec): Promise<PreparedRows> {
  const tokenizer = loadTokenizer(spec.model.dir);
  const virtual = virtualLayout(spec, vocab);
  const modelLength = maxPositions - countOf(virtual);
  const maxLength = Math.min(spec.data.maxLength, modelLength);
  const controlTokens = readsControlTokens(spec);
  const prepared = await prepareDataset({ ...spec.data, controlTokens, maxLength, tokenizer, vocab });
  return { prepared, tokenizer, modelLength, maxLength };
}

/**
 * Throws where the data has changed, cannot be used or does not suit the settings; says in the log what is left out or
 * cut.
 */
export async function readData(
  spec: RunSpec,
  architecture: ArchitectureSpec,
  emit: (event: TrainEvent) => void,
): Promise<RunData> {
  checkClassify(spec.data, spec.method);
  checkSamples(spec);
  return splitRows(spec, architecture, await prepareRows(spec, architecture), emit);
}

/** As readData, of rows that have been tokenised. */
export function splitRows(
  spec: RunSpec,
  { vocab }: ArchitectureSpec,
  { prepared, tokenizer, modelLength, maxLength }: PreparedRows,
  emit: (event: TrainEvent) => void,
): RunData {
  const virtual = virtualLayout(spec, vocab);
  if (spec.data.hash !== undefined && prepared.sha256 !== spec.data.hash) {
    throw new GraftError(
      'DATASET_CHANGED',
      `${spec.data.file} has changed since the run was set up; add the dataset again and start a new run.`,
      { file: spec.data.file },
    );
  }
  const { allowBadRows, excludeLines: excluded = [] } = spec.data;
  assertTrainable(prepared, { allowBadRows, excluded, modelLength });
  const limitedByModel = maxLength < spec.data.maxLength;
  const controlTokens = readsControlTokens(spec);
  for (const message of rowNotes(prepared, { limitedByModel, controlTokens })) emit({ type: 'log', message });
  const examples = virtual
    ? prepared.examples.map((example) => withVirtualTokens(example, virtual))
    : prepared.examples;
  const parts = splitExamples(examples, spec.train.val, spec.train.seed);
  checkTrainSettings(spec.train, parts.val.length);
  const train = withoutLines(parts.train, spec);
  return {
    train,
    val: parts.val,
    ...(prepared.labels ? { labels: prepared.labels } : {}),
    endTokens: taughtEnds(train, tokenizer),
    padId: tokenizer.padId,
    tokenizer,
    kind: prepared.kind,
    controlTokens,
    sharedLines: prepared.sharedLines,
    maxLength: maxLength + countOf(virtual),
  };
}

/** Runs from before the setting read control tokens in the text of a row as tokens. */
function readsControlTokens({ data }: RunSpec): boolean {
  return data.controlTokens ?? true;
}

/** Throws EVERYTHING_EXCLUDED. */
function withoutLines(rows: TokenisedExample[], { data }: RunSpec): TokenisedExample[] {
  const lines = new Set(data.excludeLines);
  const left = rows.filter(({ line }) => !lines.has(line));
  if (left.length > 0) return left;
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
