/** Datasets: a file with its reading rules, checked before it is registered. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import { noUsableRows } from '../../datasets/dataset.ts';
import type { DatasetFiles, OpenProgress } from '../../datasets/datasetFiles.ts';
import { describeBadRow, type ColumnMap, type RowShape } from '../../../src-shared/datasets.ts';
import { counted } from '../../../src-shared/plural.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { ModelService } from '../models/service.ts';
import type { Home } from '../storage/home.ts';
import { addDataset } from './add.ts';
import { checkFile, type DatasetReport } from './check.ts';
import { mapFirstRows, type MappedRows } from './mappedRows.ts';
import type { addSchema, checkSchema, setMapSchema, Source } from './inputs.ts';
import { lookAt, type DatasetLook, type Reading } from './look.ts';
import { rowShape } from './rowShape.ts';
import { forgetTokens } from '../../datasets/tokens/tokenCache.ts';
import { restoreFiles, trashFiles } from './removal.ts';
import type { TokenService } from './tokenService.ts';

const PROGRESS_MS = 100;

export class DatasetService {
  #home: Home;
  #catalog: Catalog;
  #models: ModelService;
  #tokens: TokenService;
  /** Open files with their indexes and surveys, which rows and versions use as well. */
  readonly files: DatasetFiles;

  constructor(parts: {
    home: Home;
    catalog: Catalog;
    models: ModelService;
    tokens: TokenService;
    files: DatasetFiles;
  }) {
    this.#home = parts.home;
    this.#catalog = parts.catalog;
    this.#models = parts.models;
    this.#tokens = parts.tokens;
    this.files = parts.files;
  }

  /**
   * A dataset with its current version, or with the one that is named. Throws a usage error DATASET_NOT_FOUND or
   * DATASET_VERSION_NOT_FOUND.
   */
  require(id: string, version?: number): Dataset {
    const dataset = this.#catalog.datasets.get(id);
    if (!dataset) throw notFound(id);
    if (version === undefined) return dataset;
    const found = this.#catalog.datasets.at(id, version);
    if (!found)
      throw usageError(
        'DATASET_VERSION_NOT_FOUND',
        `${dataset.name} has no version ${version}; choose one that its list of versions shows.`,
        { datasetId: id, version },
      );
    return found;
  }

  /** Throws what `require` throws, or a usage error BAD_INPUT where neither a dataset nor a file is named. */
  reading({ id, version, file, format, part, noHeader, map }: Source): Reading & { map: ColumnMap } {
    if (id !== undefined) {
      const dataset = this.require(id, version);
      const { file, format, part, noHeader } = dataset;
      return { file, format, part, noHeader, map: map ?? dataset.map };
    }
    if (file === undefined) throw usageError('BAD_INPUT', 'Name a dataset or a file to look at.');
    return { file: path.resolve(file), format: format ?? null, part, noHeader, map: map ?? {} };
  }

  list(): Dataset[] {
    return this.#catalog.datasets.list();
  }

  /** Reads the whole file: good rows, every bad row with its line and reason, and with a model also token lengths. */
  check({ modelId, ...request }: z.output<typeof checkSchema>): Promise<DatasetReport> {
    const modelDir = modelId === undefined ? undefined : this.#models.require(modelId).dir;
    return checkFile({ ...request, modelDir }, (options) => this.#tokens.check(options));
  }

  /**
   * How far the file has been read, in bytes, until it is open for looking at. Where `signal` is aborted and nobody
   * else waits for the file, it is not read to its end.
   */
  async *open(source: Source, signal?: AbortSignal): AsyncGenerator<OpenProgress, void, void> {
    const reading = this.reading(source);
    const index = this.files.index(reading, signal);
    let isOpen = false;
    index.then(
      () => (isOpen = true),
      () => (isOpen = true),
    );
    while (!isOpen && !signal?.aborted) {
      const progress = this.files.progress(reading);
      if (progress) yield { ...progress };
      await Promise.race([index.catch(() => undefined), sleep(PROGRESS_MS)]);
    }
    if (signal?.aborted) return;
    const { sizeBytes } = await index;
    yield { done: sizeBytes, total: sizeBytes };
  }

  /**
   * What is in a file or a version: format, columns and how they are read, good and bad rows, duplicates, the first
   * rows. Throws CANCELLED where `signal` is aborted.
   */
  look(source: Source, signal?: AbortSignal): Promise<DatasetLook> {
    return lookAt(this.files, this.reading(source), signal);
  }

  /** How the first rows would be read with other columns. */
  mapped(source: Source): Promise<MappedRows> {
    return mapFirstRows(this.files, this.reading(source));
  }

  /** Which answers the rows hold, from the first ones alone. */
  shape(source: Source): Promise<RowShape> {
    return rowShape(this.reading(source));
  }

  /** Registers a file. Throws DATASET_BAD_ROWS unless `allowBadRows` says that the good ones are enough. */
  async add(request: z.output<typeof addSchema>): Promise<Dataset> {
    return this.require(await addDataset({ catalog: this.#catalog, files: this.files }, request));
  }

  rename(id: string, name: string): Dataset {
    this.require(id);
    this.#catalog.datasets.rename(id, name);
    return this.require(id);
  }

  /** Reads the current version with other columns. Throws DATASET_NO_USABLE_ROWS, DATASET_BAD_ROWS. */
  async setMap({ id, map, allowBadRows }: z.output<typeof setMapSchema>): Promise<Dataset> {
    const dataset = this.require(id);
    const { good, bad, badCount } = await this.files.survey({ ...dataset, map });
    const { sharedLines } = await this.files.index(dataset);
    if (good.count === 0) throw noUsableRows(dataset.file, bad, { count: badCount, sharedLines });
    const [first] = bad;
    if (first && !allowBadRows && !dataset.allowBadRows)
      throw new GraftError(
        'DATASET_BAD_ROWS',
        `With these columns ${counted(badCount, 'row')} of ${dataset.file} cannot be used, the first at ` +
          `${describeBadRow(first, sharedLines)}; choose other columns, or go on without ` +
          `${badCount === 1 ? 'this row' : 'these rows'}.`,
        { bad: badCount },
      );
    const counts = { rows: good.count, badRows: badCount };
    this.#catalog.datasets.versions.setMap({ datasetId: id, number: dataset.version, map, ...counts });
    if (allowBadRows) this.#catalog.datasets.setAllowBadRows(id, true);
    return this.require(id);
  }

  /** Whether a run may go on without the bad rows. */
  allowBadRows(id: string, allow: boolean): Dataset {
    this.require(id);
    this.#catalog.datasets.setAllowBadRows(id, allow);
    return this.require(id);
  }

  /** Forgets a dataset; the user's file is left alone. `bringBack` undoes it. */
  remove(id: string): { removed: string } {
    if (!this.#catalog.datasets.remove(id, new Date().toISOString())) throw notFound(id);
    trashFiles(this.#home, this.#catalog, id);
    this.#forgetTokens(id);
    return { removed: id };
  }

  /** Of contents that no other dataset has; they are made again where the dataset comes back. */
  #forgetTokens(id: string): void {
    const used = new Set(this.#catalog.datasets.list().map(({ hash }) => hash));
    const versions = this.#catalog.datasets.versions.list(id);
    forgetTokens(versions.map(({ hash }) => hash).filter((hash) => !used.has(hash)));
  }

  bringBack(id: string): Dataset {
    restoreFiles(this.#home, id);
    if (!this.#catalog.datasets.bringBack(id)) throw notFound(id);
    return this.require(id);
  }
}

function notFound(id: string): GraftError {
  return usageError('DATASET_NOT_FOUND', `There is no dataset ${id} in the catalogue; add its file again.`, {
    datasetId: id,
  });
}
