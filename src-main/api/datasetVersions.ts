/**
 * Versions of a dataset: edits become a new file of Graft's own, a changed or moved file is taken in when the user says
 * so.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Catalog } from '../catalog/catalog.ts';
import type { Dataset } from '../catalog/datasets.ts';
import type { DatasetVersion } from '../catalog/datasetVersions.ts';
import { noUsableRows } from '../datasets/dataset.ts';
import type { DatasetFiles } from '../datasets/datasetFiles.ts';
import { repeatedRows } from '../datasets/duplicates.ts';
import { rowsIn, writeEdited, type RowEdits, type RowRange } from '../datasets/editRows.ts';
import type { Survey } from '../datasets/survey.ts';
import { GraftError, usageError } from '../../src-shared/errors.ts';
import type { Services } from '../app/services.ts';
import { datasetAt, versionSchema } from '../app/datasets/input.ts';
import { procedure } from './trpc.ts';

/** Whether a version's file is still what it was. */
export type FileState = 'same' | 'changed' | 'missing';

export interface VersionView extends DatasetVersion {
  state: FileState;
  /** Written by Graft; else the user's own file. */
  own: boolean;
}

const rowValues = z.record(z.string(), z.unknown());

const editsSchema = z.object({
  changed: z.array(z.object({ index: z.number().int().min(0), values: rowValues })).default([]),
  // One check for all: a filter may have found a hundred thousand ranges, and a schema for each would hold the process.
  removed: z
    .custom<RowRange[]>(areRanges, 'these are no ranges of row numbers, each as [from, to] with from < to')
    .default([]),
  added: z.array(rowValues).default([]),
});

export function versionProcedures({ catalog, datasetFiles, home }: Services) {
  const store = { catalog, datasetFiles, dir: (id: string) => home.datasetDir(id) };
  return {
    /** Newest first, each with whether its file is still the same. */
    versions: procedure.input(z.object({ id: z.string() })).query(async ({ input }): Promise<VersionView[]> => {
      const { source } = datasetAt(catalog, input.id);
      return Promise.all(
        catalog.datasets.versions.list(input.id).map(async (version) => ({
          ...version,
          state: await stateOf(datasetFiles, version),
          own: version.file !== source,
        })),
      );
    }),

    /**
     * Writes the rows of a version with edits as a new version, which becomes the current one. The user's file is left
     * alone.
     */
    saveVersion: procedure.input(versionSchema.extend({ edits: editsSchema })).mutation(async ({ input }) => {
      const base = datasetAt(catalog, input.id, input.version);
      const { count } = await datasetFiles.index(base.file, base.format);
      const edits = { ...input.edits, removed: rowsIn(input.edits.removed, count) };
      return saveEdited(store, base, edits, describeEdits(edits));
    }),

    /** A new version without the rows that repeat an earlier one. */
    withoutDuplicates: procedure.input(versionSchema).mutation(async ({ input }) => {
      const base = datasetAt(catalog, input.id, input.version);
      const survey = await datasetFiles.survey(base.file, base.format, base.map);
      const { repeated } = survey.good;
      if (repeated === 0)
        throw usageError(
          'NO_DUPLICATES',
          `Version ${base.version} of ${base.name} has no row twice; there is nothing to leave out.`,
          { datasetId: base.id },
        );
      const { count } = await datasetFiles.index(base.file, base.format);
      return saveEdited(
        store,
        base,
        { changed: [], removed: await repeatedRows(survey, count), added: [] },
        `${counted(repeated, 'repeated row')} left out`,
      );
    }),

    /** A new version without the rows that cannot be used. */
    withoutBadRows: procedure.input(versionSchema).mutation(async ({ input }) => {
      const base = datasetAt(catalog, input.id, input.version);
      const { bad } = await datasetFiles.survey(base.file, base.format, base.map);
      if (bad.length === 0)
        throw usageError(
          'NO_BAD_ROWS',
          `Version ${base.version} of ${base.name} has no bad row; there is nothing to leave out.`,
          { datasetId: base.id },
        );
      const removed = new Uint8Array((await datasetFiles.index(base.file, base.format)).count);
      for (const { index } of bad) if (index !== null) removed[index] = 1;
      return saveEdited(store, base, { changed: [], removed, added: [] }, `${counted(bad.length, 'bad row')} left out`);
    }),

    /** Makes an older version the current one. Throws where its file has changed or is gone. */
    useVersion: procedure
      .input(z.object({ id: z.string(), version: z.number().int().min(1) }))
      .mutation(async ({ input }) => {
        const dataset = datasetAt(catalog, input.id, input.version);
        const state = await stateOf(datasetFiles, catalog.datasets.versions.get(input.id, input.version)!);
        if (state !== 'same') {
          throw new GraftError(
            'DATASET_CHANGED',
            `Version ${input.version} of ${dataset.name} cannot be used: its file ${dataset.file} ` +
              `${state === 'missing' ? 'does not exist any more; put it back' : 'has changed since; take the changed file as a new version'}.`,
            { file: dataset.file },
          );
        }
        catalog.datasets.setVersion(input.id, input.version);
        return datasetAt(catalog, input.id);
      }),

    /** Takes the user's file as it is now as a new version. */
    takeChanged: procedure
      .input(z.object({ id: z.string() }))
      .mutation(({ input }) => takeFile(store, datasetAt(catalog, input.id), 'The file had changed')),

    /** The user's file lies elsewhere now. The same content stays the same version, another becomes a new one. */
    relocate: procedure.input(z.object({ id: z.string(), file: z.string().min(1) })).mutation(async ({ input }) => {
      const dataset = datasetAt(catalog, input.id);
      const file = path.resolve(input.file);
      const { sha256 } = await datasetFiles.index(file);
      const moved = catalog.datasets.versions
        .list(input.id)
        .filter((version) => version.file === dataset.source && version.hash === sha256);
      catalog.transaction(() => {
        catalog.datasets.setSource(input.id, file);
        for (const { number } of moved)
          catalog.datasets.versions.setFile({ datasetId: input.id, number, file, ...fileFacts(file) });
      });
      return moved.length > 0
        ? datasetAt(catalog, input.id)
        : takeFile(store, { ...dataset, source: file }, 'Another file was chosen');
    }),
  };
}

function areRanges(value: unknown): boolean {
  const isRange = (range: unknown): boolean =>
    Array.isArray(range) &&
    range.length === 2 &&
    range.every((end) => Number.isSafeInteger(end) && end >= 0) &&
    range[0] < range[1];
  return Array.isArray(value) && value.every(isRange);
}

interface Store {
  catalog: Catalog;
  datasetFiles: DatasetFiles;
  dir: (datasetId: string) => string;
}

/** Size and time, by which a changed file is noticed without reading it. */
export function fileFacts(file: string): { sizeBytes: number | null; modifiedMs: number | null } {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return { sizeBytes: stat?.size ?? null, modifiedMs: stat?.mtimeMs ?? null };
}

async function stateOf(
  files: DatasetFiles,
  { file, format, hash, sizeBytes, modifiedMs }: DatasetVersion,
): Promise<FileState> {
  const now = fileFacts(file);
  if (now.sizeBytes === null) return 'missing';
  if (now.sizeBytes === sizeBytes && now.modifiedMs === modifiedMs) return 'same';
  if (sizeBytes !== null && now.sizeBytes !== sizeBytes) return 'changed';
  // Touched or copied back: only the content tells. A file that cannot be read as rows any more has changed.
  const found = await files.index(file, format).catch(() => undefined);
  return found?.sha256 === hash ? 'same' : 'changed';
}

async function saveEdited(
  { catalog, datasetFiles, dir }: Store,
  base: Dataset,
  edits: RowEdits,
  change: string,
): Promise<Dataset> {
  const number = nextNumber(catalog, base.id);
  const file = path.join(dir(base.id), `v${number}.jsonl`);
  const index = await datasetFiles.index(base.file, base.format);
  const { sha256 } = await writeEdited(index, edits, file);
  try {
    const { good, bad } = await surveyEdited(datasetFiles, file, base);
    add(
      { catalog },
      {
        datasetId: base.id,
        number,
        file,
        format: 'jsonl',
        map: base.map,
        rows: good.count,
        badRows: bad.length,
        hash: sha256,
        ...fileFacts(file),
        change: `${change}, from version ${base.version}`,
        createdAt: new Date().toISOString(),
      },
    );
  } catch (error) {
    fs.rmSync(file, { force: true });
    throw error;
  }
  return datasetAt(catalog, base.id);
}

/** Throws DATASET_NO_USABLE_ROWS where the edits leave nothing to learn from. */
async function surveyEdited(files: DatasetFiles, file: string, { name, map }: Dataset): Promise<Survey> {
  const survey = await files.survey(file, 'jsonl', map).catch((error: unknown) => {
    // No row, or none with the columns that are needed.
    if (error instanceof GraftError && ['DATASET_EMPTY', 'DATASET_COLUMNS', 'MAP_COLUMN_UNKNOWN'].includes(error.code))
      return undefined;
    throw error;
  });
  if (survey && survey.good.count > 0) return survey;
  throw new GraftError(
    'DATASET_NO_USABLE_ROWS',
    `With these edits no row of ${name} could be used for training; keep at least one good row.`,
  );
}

async function takeFile({ catalog, datasetFiles }: Store, { id, source }: Dataset, change: string): Promise<Dataset> {
  const newest =
    catalog.datasets.versions.list(id).find((version) => version.file === source) ??
    catalog.datasets.versions.get(id, 1)!;
  const { format, map } = newest;
  const facts = fileFacts(source);
  const { good, bad } = await datasetFiles.survey(source, format, map);
  if (good.count === 0) throw noUsableRows(source, bad);
  const { sha256 } = await datasetFiles.index(source, format);
  add(
    { catalog },
    {
      datasetId: id,
      number: nextNumber(catalog, id),
      file: source,
      format,
      map,
      rows: good.count,
      badRows: bad.length,
      hash: sha256,
      ...facts,
      change,
      createdAt: new Date().toISOString(),
    },
  );
  return datasetAt(catalog, id);
}

function add({ catalog }: Pick<Store, 'catalog'>, version: DatasetVersion): void {
  catalog.transaction(() => {
    catalog.datasets.versions.insert(version);
    catalog.datasets.setVersion(version.datasetId, version.number);
  });
}

function nextNumber(catalog: Catalog, id: string): number {
  return catalog.datasets.versions.list(id)[0]!.number + 1;
}

function describeEdits({ changed, removed, added }: RowEdits): string {
  const gone = removed.reduce((sum, row) => sum + row, 0);
  const parts = [
    [changed.length, 'edited'],
    [added.length, 'added'],
    [gone, 'deleted'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${counted(count, 'row')} ${what}`);
  return said.join(', ') || 'A copy';
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
