/**
 * Versions of a dataset: edits become a new file of Graft's own; a changed or moved file is taken in when the user says
 * so.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import type { DatasetVersion } from '../../catalog/datasetVersions.ts';
import { noUsableRows } from '../../datasets/dataset.ts';
import { repeatedRows } from '../../datasets/duplicates.ts';
import { rowsIn, type RowEdits } from '../../datasets/editRows.ts';
import type { RowIndex } from '../../datasets/rowIndex.ts';
import type { Survey } from '../../datasets/survey.ts';
import type { Preparation } from '../../../src-shared/recipes.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { makeFolders } from '../../files/makeFolders.ts';
import { writeFileAtomic } from '../../files/writeWhole.ts';
import type { Home } from '../storage/home.ts';
import { describeEdits, recordWritten, writeVersion } from './editedVersion.ts';
import { counted } from '../../../src-shared/plural.ts';
import { fileFacts, fileState, type FileState } from './fileFacts.ts';
import type { saveVersionSchema, versionSchema } from './inputs.ts';
import type { DatasetService } from './service.ts';

export interface VersionView extends DatasetVersion {
  state: FileState;
  /** Written by Graft; else the user's own file. */
  own: boolean;
}

type VersionOf = z.output<typeof versionSchema>;

export class DatasetVersions {
  #home: Home;
  #catalog: Catalog;
  #datasets: DatasetService;

  constructor(home: Home, catalog: Catalog, datasets: DatasetService) {
    this.#home = home;
    this.#catalog = catalog;
    this.#datasets = datasets;
  }

  /** Newest first, each with whether its file is still the same. */
  list(id: string): Promise<VersionView[]> {
    const { source } = this.#datasets.require(id);
    return Promise.all(
      this.#catalog.datasets.versions.list(id).map(async (version) => ({
        ...version,
        state: await fileState(this.#datasets.files, version),
        own: version.file !== source,
      })),
    );
  }

  /**
   * Writes the rows of a version with edits as a new version, which becomes the current one. The user's file is left
   * alone.
   */
  async save({ id, version, edits: given }: z.output<typeof saveVersionSchema>): Promise<Dataset> {
    const base = this.#datasets.require(id, version);
    const { count } = await this.#index(base);
    const edits = { ...given, removed: rowsIn(given.removed, count) };
    return this.#saveEdited(base, edits, describeEdits(edits));
  }

  /** A new version without the rows that repeat an earlier one. Throws a usage error NO_DUPLICATES. */
  async withoutDuplicates({ id, version }: VersionOf): Promise<Dataset> {
    const base = this.#datasets.require(id, version);
    const survey = await this.#survey(base);
    const { repeated } = survey.good;
    if (repeated === 0)
      throw usageError(
        'NO_DUPLICATES',
        `Version ${base.version} of ${base.name} has no row twice; there is nothing to leave out.`,
        { datasetId: id },
      );
    const removed = await repeatedRows(survey, (await this.#index(base)).count);
    return this.#saveEdited(base, { changed: [], removed, added: [] }, `${counted(repeated, 'repeated row')} left out`);
  }

  /** A new version without the rows that cannot be used. Throws a usage error NO_BAD_ROWS. */
  async withoutBadRows({ id, version }: VersionOf): Promise<Dataset> {
    const base = this.#datasets.require(id, version);
    const { good, badCount } = await this.#survey(base);
    if (badCount === 0)
      throw usageError(
        'NO_BAD_ROWS',
        `Version ${base.version} of ${base.name} has no bad row; there is nothing to leave out.`,
        { datasetId: id },
      );
    const removed = new Uint8Array((await this.#index(base)).count).fill(1);
    for (const index of good.index) removed[index] = 0;
    return this.#saveEdited(base, { changed: [], removed, added: [] }, `${counted(badCount, 'bad row')} left out`);
  }

  /** Records what a recipe has written as `file`: the new version, which becomes the current one. */
  async addPrepared(
    base: Dataset,
    { file, sha256, preparation }: { file: string; sha256: string; preparation: Preparation },
  ): Promise<number> {
    const { rows, kept } = preparation.report;
    const share = `${kept.toLocaleString('en-US')} of ${counted(rows, 'row')}`;
    const change = `Prepared by a recipe: ${share}, from version ${base.version}`;
    let number = 0;
    await recordWritten(this.#datasets.files, { base, file, sha256, what: 'this recipe' }, (written) => {
      number = this.#nextNumber(base.id);
      this.#add({ ...written, number, change, preparation });
    });
    return number;
  }

  /** `content`, JSONL, as the new version, which becomes the current one; `change` says where it came from. */
  async addWhole(base: Dataset, content: string, change: string): Promise<Dataset> {
    const number = this.#nextNumber(base.id);
    const dir = this.#home.datasetDir(base.id);
    const file = path.join(dir, `v${number}.jsonl`);
    makeFolders(dir);
    writeFileAtomic(file, content);
    const sha256 = createHash('sha256').update(content).digest('hex');
    await recordWritten(this.#datasets.files, { base, file, sha256, what: 'these rows' }, (written) =>
      this.#add({ ...written, number, change }),
    );
    return this.#datasets.require(base.id);
  }

  /** Makes an older version the current one. Throws DATASET_CHANGED where its file has changed or is gone. */
  async use(id: string, number: number): Promise<Dataset> {
    const { name, file } = this.#datasets.require(id, number);
    const version = this.#catalog.datasets.versions.get(id, number);
    const state = version ? await fileState(this.#datasets.files, version) : 'missing';
    if (state !== 'same')
      throw new GraftError(
        'DATASET_CHANGED',
        `Version ${number} of ${name} cannot be used: its file ${file} ` +
          (state === 'missing'
            ? 'does not exist any more; put it back.'
            : 'has changed since; take the changed file as a new version.'),
        { file },
      );
    this.#catalog.datasets.setVersion(id, number);
    return this.#datasets.require(id);
  }

  /** Takes the user's file as it is now as a new version. */
  takeChanged(id: string): Promise<Dataset> {
    return this.#takeFile(this.#datasets.require(id), 'The file had changed');
  }

  /** The user's file lies elsewhere now. The same content stays the same version, another becomes a new one. */
  async relocate(id: string, to: string): Promise<Dataset> {
    const { datasets } = this.#catalog;
    const dataset = this.#datasets.require(id);
    const file = path.resolve(to);
    const { format, part, noHeader } =
      datasets.versions.list(id).find((version) => version.file === dataset.source) ?? {};
    const { sha256 } = await this.#datasets.files.index({ file, format, part, noHeader });
    const moved = datasets.versions
      .list(id)
      .filter((version) => version.file === dataset.source && version.hash === sha256);
    this.#catalog.transaction(() => {
      datasets.setSource(id, file);
      for (const { number } of moved) datasets.versions.setFile({ datasetId: id, number, file, ...fileFacts(file) });
    });
    if (moved.length > 0) return this.#datasets.require(id);
    return this.#takeFile({ ...dataset, source: file }, 'Another file was chosen');
  }

  async #saveEdited(base: Dataset, edits: RowEdits, change: string): Promise<Dataset> {
    const number = this.#nextNumber(base.id);
    const file = path.join(this.#home.datasetDir(base.id), `v${number}.jsonl`);
    await writeVersion(this.#datasets.files, { base, edits, file }, (written) =>
      this.#add({ ...written, number, change: `${change}, from version ${base.version}` }),
    );
    return this.#datasets.require(base.id);
  }

  /** Read as the newest version of the user's own file was. */
  async #takeFile({ id, source }: Dataset, change: string): Promise<Dataset> {
    const versions = this.#catalog.datasets.versions.list(id);
    const { format, part, noHeader, map } = versions.find((version) => version.file === source) ?? versions.at(-1)!;
    const facts = fileFacts(source);
    const { good, bad, badCount } = await this.#datasets.files.survey({ file: source, format, part, noHeader, map });
    const { sha256, sharedLines } = await this.#datasets.files.index({ file: source, format, part, noHeader });
    if (good.count === 0) throw noUsableRows(source, bad, { count: badCount, sharedLines });
    const counts = { rows: good.count, badRows: badCount, hash: sha256, ...facts };
    const createdAt = new Date().toISOString();
    this.#add({
      datasetId: id,
      number: this.#nextNumber(id),
      file: source,
      format,
      part,
      noHeader,
      map,
      ...counts,
      change,
      createdAt,
    });
    return this.#datasets.require(id);
  }

  #add(version: DatasetVersion): void {
    this.#catalog.transaction(() => {
      this.#catalog.datasets.versions.insert(version);
      this.#catalog.datasets.setVersion(version.datasetId, version.number);
    });
  }

  #nextNumber(id: string): number {
    return this.#catalog.datasets.versions.list(id)[0]!.number + 1;
  }

  #index(dataset: Dataset): Promise<RowIndex> {
    return this.#datasets.files.index(dataset);
  }

  #survey(dataset: Dataset): Promise<Survey> {
    return this.#datasets.files.survey(dataset);
  }
}
