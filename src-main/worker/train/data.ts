/** The rows of a run, checked against its spec. */
import { assertTrainable, prepareDataset, type PreparedDataset } from '../../datasets/dataset.ts';
import { taughtEnds } from '../../datasets/endTokens.ts';
import { splitExamples } from '../../datasets/split.ts';
import { loadTokenizer, type TextTokenizer } from '../../datasets/tokenizer.ts';
import type { TokenisedExample } from '../../datasets/types.ts';
import { describeBadRow, spelledText, unusedText, type DatasetKind } from '../../../src-shared/datasets.ts';
import { withVirtualTokens, type VirtualLayout } from '../../datasets/virtualTokens.ts';
import { counted } from '../../../src-shared/plural.ts';
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
  /** Rows have no lines of their own, so that `line` is a row's number. */
  sharedLines: boolean;
  /** Most tokens of a row. */
  maxLength: number;
}

/** The tokenised rows of a run, before they are checked against its settings and split. */
export interface PreparedRows {
  prepared: PreparedDataset;
  tokenizer: TextTokenizer;
  /** Tokens per row, virtual ones aside. */
  maxLength: number;
}

/** Throws what prepareDataset and loadTokenizer throw. */
export async function prepareRows(spec: RunSpec, { maxPositions, vocab }: ArchitectureSpec): Promise<PreparedRows> {
  const tokenizer = loadTokenizer(spec.model.dir);
  const virtual = virtualLayout(spec, vocab);
  const maxLength = Math.min(spec.data.maxLength, maxPositions - countOf(virtual));
  // Runs from before the setting read control tokens in the text of a row as tokens.
  const { controlTokens = true } = spec.data;
  const prepared = await prepareDataset({ ...spec.data, controlTokens, maxLength, tokenizer });
  return { prepared, tokenizer, maxLength };
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
  { vocab, maxPositions }: ArchitectureSpec,
  { prepared, tokenizer, maxLength }: PreparedRows,
  emit: (event: TrainEvent) => void,
): RunData {
  const virtual = virtualLayout(spec, vocab);
  if (maxLength < spec.data.maxLength)
    emit({ type: 'log', message: `Rows are cut at ${maxLength} tokens, the longest that this model can see.` });
  if (spec.data.hash !== undefined && prepared.sha256 !== spec.data.hash) {
    throw new GraftError(
      'DATASET_CHANGED',
      `${spec.data.file} has changed since the run was set up; add the dataset again and start a new run.`,
      { file: spec.data.file },
    );
  }
  const { allowBadRows, excludeLines: excluded = [] } = spec.data;
  assertTrainable(prepared, { allowBadRows, excluded, modelLength: maxPositions - countOf(virtual) });
  if (prepared.bad.length) {
    const list = prepared.bad
      .slice(0, 10)
      .map((row) => describeBadRow(row, prepared.sharedLines))
      .join('; ');
    emit({ type: 'log', message: `Left out: ${counted(prepared.bad.length, 'bad row')} (${list})` });
  }
  if (prepared.unused.length) emit({ type: 'log', message: `Not used: ${unusedText(prepared.unused)}.` });
  if (prepared.controlTokenRows > 0)
    emit({
      type: 'log',
      message: `${spelledText(prepared.controlTokenRows, (spec.data.controlTokens ?? true) ? 'tokens' : 'text')}.`,
    });
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
    sharedLines: prepared.sharedLines,
    maxLength: maxLength + countOf(virtual),
  };
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
