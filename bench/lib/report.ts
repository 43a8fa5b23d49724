/** A case's result as a Markdown table, as JSON, and inside docs/performance.md. */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '../../src-main/files/writeWhole.ts';
import type { Circumstances } from './machine.ts';
import { DISTURBED_SHARE, isDisturbed } from './otherLoad.ts';
import { DOCS } from './places.ts';
import { writePng } from './plotPng.ts';
import { ratiosOf, type CaseResult, type Row } from './result.ts';

export interface Report extends CaseResult {
  engine: string;
  quick: boolean;
  where: Circumstances;
}

/** Writes <case>-<date>.json into the folder and returns its path. */
export function writeJson(report: Report, folder: string): string {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${report.name}-${report.where.date.slice(0, 16).replaceAll(':', '')}.json`);
  writeFileAtomic(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

/** The table with its circumstances. Ratios on a rival's row say how Graft does against it. */
export function tableOf(report: Report): string {
  const { peakFlopsPerSecond: limit } = report;
  const more = [...new Set(report.rows.flatMap((row) => Object.keys(row.more ?? {})))];
  const head = [
    'variant',
    'system',
    'best',
    'median',
    'p90',
    'spread',
    'quiet samples',
    'rate',
    ...(limit ? ['share of peak'] : []),
    'peak memory',
    'Graft: speed',
    'Graft: memory',
    ...more,
  ];
  const rows = report.rows.map((row) => [
    ...cellsOf(row, report.rows, limit),
    ...more.map((name) => row.more?.[name] ?? ''),
  ]);
  const lines = [head, head.map(() => '---'), ...rows];
  return [
    report.what,
    '',
    ...lines.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    ...report.notes.map((note) => `- ${note}`),
    `- ${circumstancesLine(report)}`,
  ].join('\n');
}

function cellsOf(row: Row, rows: Row[], limit: number | undefined): string[] {
  const ratios = ratiosOf(row, rows);
  const times = (ratio: number | null | undefined): string =>
    ratio === null || ratio === undefined ? '' : `${ratio.toFixed(2)}x`;
  return [
    row.variant,
    row.system,
    duration(row.time.best),
    duration(row.time.median),
    duration(row.time.p90),
    `${(100 * row.time.spread).toFixed(0)}%`,
    `${row.samples.filter((sample) => !isDisturbed(sample)).length} of ${row.samples.length}`,
    `${row.rate.perSecond.toPrecision(3)} ${row.rate.unit}`,
    ...(limit ? [row.flopsPerSecond ? `${((100 * row.flopsPerSecond) / limit).toFixed(0)}%` : ''] : []),
    row.peakBytes === null ? '' : `${(row.peakBytes / 1e6).toFixed(0)} MB`,
    ratios?.disturbed ? 'disturbed' : times(ratios?.speed),
    times(ratios?.memory),
  ];
}

function duration(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms >= 100 ? 0 : 1)} ms`;
}

function circumstancesLine({ where, engine, quick }: Report): string {
  return (
    `${where.cpu}, ${where.cores} cores, engine ${engine}${quick ? ', --quick' : ''}; load average ` +
    `${where.loadAtStart.toFixed(1)} at the start, samples during which other programs took over ` +
    `${100 * DISTURBED_SHARE}% of the cores are not counted; commit ` +
    `${where.commit}${where.changed ? ' with changes' : ''}, ${where.date.slice(0, 10)}.`
  );
}

/** Replaces what stands between `<!-- bench:NAME -->` and `<!-- end:NAME -->`, or appends a section. */
export function withTable(document: string, name: string, table: string): string {
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- end:${name} -->`];
  const block = `${open}\n${table}\n${close}`;
  const [from, to] = [document.indexOf(open), document.indexOf(close)];
  if (from < 0 || to < from) return `${document.trimEnd()}\n\n## \`${name}\`\n\n${block}\n`;
  return document.slice(0, from) + block + document.slice(to + close.length);
}

/** Puts the report's table and plots into docs/performance.md, with the name of the file that holds the samples. */
export async function writeDocs(report: Report, jsonFile: string): Promise<void> {
  const file = path.join(DOCS, 'performance.md');
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '# Performance\n';
  const source = `- Samples: \`bench/results/${path.basename(jsonFile)}\`.`;
  const pictures: string[] = [];
  for (const plot of report.plots ?? []) {
    await writePng(plot, path.join(DOCS, `${plot.name}.png`));
    pictures.push(`![${plot.alt}](${plot.name}.png)`);
  }
  writeFileAtomic(
    file,
    withTable(text, report.name, [tableOf(report), source, ...pictures.map((picture) => `\n${picture}`)].join('\n')),
  );
}
