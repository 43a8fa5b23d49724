/** What a large file comes to as far as a sample of its rows tells: for a plan, which is wanted in a second. */
import fs from 'node:fs';
import { GraftError } from '../../../src-shared/errors.ts';
import { planColumns } from '../columns.ts';
import { noUsableRows, type PreparedDataset } from '../dataset.ts';
import { lengthStats } from '../lengthStats.ts';
import { keptOf, templated, type Templated } from '../promptTemplates.ts';
import { openRows } from '../read.ts';
import { classesOf } from '../labelledTexts.ts';
import { UnusedFields } from '../unusedFields.ts';
import type { RawRow, TokenisedExample } from '../types.ts';
import type { BadRow } from '../../../src-shared/datasets.ts';
import { endFact } from '../endTokens.ts';
import type { RowList } from './rowList.ts';
import { blocksOf } from './blocks.ts';
import { rowsOf, tokeniseBlock, type Block } from './tokeniseBlock.ts';
import type { TokeniseOptions } from './tokeniseFile.ts';
import { decodeRecord, idBytesFor } from './tokenRecord.ts';

/** Places of a JSONL file that are read, and bytes at each. */
const PLACES = 32;
const PLACE_BYTES = 1 << 15;
const LINE_FEED = 0x0a;

export interface SampledRows extends PreparedDataset<RowList> {
  /** Rows that were read for it. */
  sample: { rows: number };
}

/** Counts are those of the sample, in proportion. Throws what prepareDataset throws where no row of it is good. */
export async function sampledRows(options: TokeniseOptions): Promise<SampledRows> {
  const { file, format, part, noHeader, classify = false } = options;
  let doneBytes = 0;
  const stream = await openRows(file, {
    format,
    part,
    noHeader,
    onProgress: (bytes) => (doneBytes = bytes),
    samples: true,
  });
  const spread = stream.bytes && !stream.compression ? linesAt(file, stream.sizeBytes) : undefined;
  let block: Block | undefined = spread?.block;
  if (!block) {
    const first = await blocksOf(stream).next();
    if (!first.done) block = first.value;
  }
  const rows: (RawRow | BadRow)[] = block ? [...rowsOf(block)] : [];
  const share = Math.min(1, (spread?.bytes ?? doneBytes) / stream.sizeBytes) || 1;
  const columns = new Set(rows.flatMap((row) => ('values' in row ? Object.keys(row.values) : [])));
  const found = planColumns(file, [...columns], options.map);
  const templates: Templated = classify
    ? { plan: found, tokenizer: options.tokenizer }
    : templated(found, options.tokenizer, options);
  const { plan, tokenizer } = templates;
  const { lossOn = 'completion', maxLength, controlTokens, vocab, labels, modelDir, answers } = options;
  const idBytes = idBytesFor(tokenizer.vocabSize);
  const isPiece = stream.format === 'text';
  const rules = {
    modelDir,
    plan,
    lossOn,
    maxLength,
    controlTokens,
    vocab,
    classify,
    labels,
    isPiece,
    idBytes,
    answers,
  };
  const answer = tokeniseBlock({ rules, block: { rows } }, tokenizer, () => undefined);
  const unused = new UnusedFields(plan, { chatTemplate: tokenizer.chatTemplate, classifies: classify });
  unused.add(answer.unused);
  const own = decoded(answer.records, answer.rows, idBytes);
  if (own.length === 0 && answer.unusable.length === 0)
    throw noUsableRows(file, answer.bad, { sharedLines: stream.sharedLines() });
  const isListed = ({ line }: BadRow): boolean => !spread || line <= spread.knownLines;
  const inProportion = (count: number): number => Math.round(count / share);
  const stats = lengthStats(own);
  const histogram = stats.histogram.map((bucket) => ({ ...bucket, rows: inProportion(bucket.rows) }));
  return {
    file,
    sha256: '',
    kind: plan.kind,
    maxLength,
    examples: repeated(own, inProportion(own.length), tokenizer),
    // Elsewhere nobody has counted the lines.
    bad: answer.bad.filter(isListed),
    badCount: inProportion(answer.bad.length),
    unusable: answer.unusable.filter(isListed),
    unusableCount: answer.unusable.length,
    unused: unused.list().map((field) => ({ ...field, rows: inProportion(field.rows) })),
    controlTokenRows: inProportion(answer.controlTokenRows),
    stats: {
      ...stats,
      rows: inProportion(stats.rows),
      tokens: inProportion(stats.tokens),
      labelledTokens: inProportion(stats.labelledTokens),
      truncated: inProportion(stats.truncated),
      histogram,
    },
    sharedLines: stream.sharedLines(),
    ...(classify ? { labels: labels ? [...labels] : classesOf(file, answer.labels) } : {}),
    ...keptOf(templates, answer.conversations, answer.read - answer.bad.length),
    sample: { rows: answer.read },
  };
}

/** Whole lines from places all over a file, the bytes of them, and how many at the beginning have their own numbers. */
function linesAt(file: string, sizeBytes: number): { block: Block; bytes: number; knownLines: number } {
  const fd = fs.openSync(file, 'r');
  const found: Uint8Array[] = [];
  let bytes = 0;
  let knownLines = 0;
  try {
    for (let place = 0; place < PLACES; place++) {
      const from = Math.floor((place * sizeBytes) / PLACES);
      const piece = new Uint8Array(PLACE_BYTES);
      const read = piece.subarray(0, fs.readSync(fd, piece, 0, PLACE_BYTES, from));
      const start = from === 0 ? 0 : read.indexOf(LINE_FEED) + 1;
      const end = read.lastIndexOf(LINE_FEED) + 1;
      if ((from > 0 && start === 0) || end <= start) continue;
      found.push(read.subarray(start, end));
      bytes += end - start;
      if (place === 0) knownLines = found[0]!.filter((byte) => byte === LINE_FEED).length;
    }
  } finally {
    fs.closeSync(fd);
  }
  if (bytes === 0) throw longRows(file);
  return { block: { bytes: Buffer.concat(found), firstLine: 1, firstByte: 0 }, bytes, knownLines };
}

function longRows(file: string): GraftError {
  return new GraftError(
    'DATASET_TOO_LARGE',
    `${file} has no row of less than ${PLACE_BYTES / 1024} KiB at any of ${PLACES} places, so what a run on it comes ` +
      'to is known only once its rows have been tokenised: start the run, or check the dataset with this model first.',
    { file },
  );
}

function decoded(records: Uint8Array, rows: { sizeBytes: number; line: number }[], idBytes: 2 | 4): TokenisedExample[] {
  let at = 0;
  return rows.map(({ sizeBytes, line }, i) => {
    const bytes = Uint8Array.from(records.subarray(at, (at += sizeBytes)));
    return { line, group: i, ...decodeRecord(bytes, idBytes)! };
  });
}

/** As many rows as the file has, each of the sample as often as it takes. */
function repeated(own: TokenisedExample[], length: number, tokenizer: TokeniseOptions['tokenizer']): RowList {
  const ends = own.map((row) => endFact(row, tokenizer));
  const each = (value: (row: TokenisedExample, place: number) => number): Int32Array =>
    Int32Array.from({ length }, (_, i) => value(own[i % own.length]!, i % own.length));
  return {
    length,
    at: (index) => (index < 0 || index >= length ? undefined : own[index % own.length]),
    facts: {
      tokens: each((row) => row.ids.length),
      // Which rows a run leaves out is not known of rows that stand for others.
      lines: new Float64Array(length),
      groups: Int32Array.from({ length }, (_, i) => i),
      ends: each((_row, place) => ends[place]!),
    },
  };
}
