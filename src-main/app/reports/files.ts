/** Reports of crashes as files in the data folder, the newest twenty. Nothing sends them anywhere. */
import fs from 'node:fs';
import path from 'node:path';
import { makeFolders } from '../../files/makeFolders.ts';
import { writeFileAtomic } from '../../files/writeWhole.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';

export interface ReportFile {
  /** Of the file in the folder of reports. */
  name: string;
  path: string;
  /** ISO 8601. */
  at: string;
  /** What happened, in a sentence. */
  title: string;
  /** The run that it happened to. */
  runId: string | null;
}

const KEPT = 20;
const NAME = /^report-[0-9TZ.-]+(-\d+)?\.json$/;
/** A report is some kilobytes; what is larger is none. */
const MOST_BYTES = 1 << 20;

/** Writes `report` whole, removes those beyond the newest twenty, and returns its name. */
export function writeReport(dir: string, report: { at: string; title: string }): string {
  makeFolders(dir, 0o700);
  const stem = `report-${report.at.replaceAll(':', '-')}`;
  let name = `${stem}.json`;
  for (let i = 2; fs.existsSync(path.join(dir, name)); i++) name = `${stem}-${i}.json`;
  writeFileAtomic(path.join(dir, name), `${JSON.stringify(report, null, 2)}\n`);
  fs.chmodSync(path.join(dir, name), 0o600);
  for (const old of namesIn(dir).slice(0, -KEPT)) fs.rmSync(path.join(dir, old), { force: true });
  return name;
}

/** Newest first; a file that is no report is left out. */
export function listReports(dir: string): ReportFile[] {
  return namesIn(dir)
    .reverse()
    .flatMap((name): ReportFile[] => {
      try {
        const report = JSON.parse(readReport(dir, name)) as { at: string; title: string; run?: { id?: string } };
        const { at, title, run } = report;
        return [{ name, path: path.join(dir, name), at: String(at), title: String(title), runId: run?.id ?? null }];
      } catch {
        return [];
      }
    });
}

/** Throws a usage error REPORT_NOT_FOUND. */
export function readReport(dir: string, name: string): string {
  if (!namesIn(dir).includes(name))
    throw usageError('REPORT_NOT_FOUND', `There is no report ${name} any more; only the newest ${KEPT} are kept.`, {
      name,
    });
  const file = path.join(dir, name);
  if (fs.statSync(file).size > MOST_BYTES)
    throw new GraftError('REPORT_NOT_FOUND', `${file} is too large to be one of Graft's reports.`, { name });
  return fs.readFileSync(file, 'utf8');
}

/** In the order in which they were written. */
function namesIn(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir)
    .filter((name) => NAME.test(name))
    .sort();
}
