/** The files that a suite's rows are read from: a version of a dataset, or what a run was trained on. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import type { Run } from '../../catalog/runs.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { SuiteContent } from '../../catalog/suites.ts';
import type { SuiteSpec } from '../../../src-shared/suites.ts';
import type { DatasetService } from '../datasets/service.ts';
import { presentSpec } from '../runs/presentSpec.ts';
import type { AddSuite } from './inputs.ts';
import { sampledRows, type OpenDataset } from './questions.ts';

interface Parts {
  catalog: Catalog;
  datasets: DatasetService;
}

export interface AskedFile {
  dataset: Pick<SuiteSpec, 'datasetId' | 'datasetName' | 'version'>;
  open: OpenDataset;
  /** Whose validation rows are asked. */
  run: Run | undefined;
}

/** Throws a usage error BAD_INPUT, DATASET_NOT_FOUND, RUN_NOT_FOUND, SUITE_ROWS_UNKNOWN for a file that has changed. */
export async function askedRows(parts: Parts, { rows, dataset }: AddSuite): Promise<AskedFile> {
  if (rows.kind === 'heldOut') return rowsOfRun(parts, rows.runId);
  if (!dataset) throw usageError('BAD_INPUT', 'Name the dataset whose rows are asked.');
  const found = parts.datasets.require(dataset.datasetId, dataset.version);
  return { dataset: nameOf(found), open: await openRows(parts, found), run: undefined };
}

async function rowsOfRun(parts: Parts, runId: string): Promise<AskedFile> {
  const { runs, datasets } = parts.catalog;
  const run = runs.get(runId);
  if (!run)
    throw usageError('RUN_NOT_FOUND', `There is no run ${runId} in the catalogue; "runs list" shows those that exist.`);
  const { data } = presentSpec(parts.catalog, run);
  const known = run.datasetId === null ? undefined : datasets.get(run.datasetId);
  const dataset = {
    datasetId: run.datasetId ?? '',
    datasetName: known?.name ?? data.file,
    version: data.version ?? 1,
  };
  const open = await openRows(parts, { ...data, name: dataset.datasetName });
  if (data.hash === undefined || open.index.sha256 === data.hash) return { dataset, open, run };
  throw usageError(
    'SUITE_ROWS_UNKNOWN',
    `${data.file} has changed since the run ${run.id}, so its validation rows are not known; ask all rows of another ` +
      'dataset.',
    { runId },
  );
}

/** Rows on which only the loss is measured. */
export async function generalRows(
  parts: Parts,
  { datasetId, version, count }: NonNullable<AddSuite['general']>,
): Promise<{ rows: SuiteContent['general']; spec: NonNullable<SuiteSpec['general']> }> {
  const dataset = parts.datasets.require(datasetId, version);
  const open = await openRows(parts, dataset);
  const rows = sampledRows(open, count).map(({ line, values }) => ({ line, values }));
  return { rows, spec: { ...nameOf(dataset), plan: open.survey.plan, rows: rows.length } };
}

async function openRows(
  { datasets: { files } }: Parts,
  dataset: Parameters<DatasetService['files']['survey']>[0] & { name: string },
): Promise<OpenDataset> {
  return { name: dataset.name, survey: await files.survey(dataset), index: await files.index(dataset) };
}

function nameOf({ id, name, version }: Dataset): AskedFile['dataset'] {
  return { datasetId: id, datasetName: name, version };
}
