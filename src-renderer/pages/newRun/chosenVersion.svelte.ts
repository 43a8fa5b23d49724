/** The version of the chosen dataset that a new run trains on, and the rows that are left out of it. */
import type { Dataset, VersionView } from '../../lib/api.ts';
import { versionFor, versionNote } from './dataVersion.ts';
import type { Draft } from './draft.ts';

interface Source {
  readonly draft: Draft;
  readonly dataset: Dataset | undefined;
}

export class ChosenVersion {
  /** Versions of datasets, newest first, once they are known. */
  known = $state.raw<VersionView[]>([]);
  #source: Source;

  /** Of the chosen dataset. */
  readonly all = $derived.by(() => this.known.filter(({ datasetId }) => datasetId === this.#source.draft.datasetId));
  /** The one that is trained on: the wanted one as long as its file is there. */
  readonly number = $derived.by(() => {
    const { dataset, draft } = this.#source;
    return dataset && versionFor(draft.datasetVersion, dataset.version, this.all);
  });
  readonly note = $derived.by(() => {
    const { dataset, draft } = this.#source;
    if (!dataset || this.number === undefined) return undefined;
    const { datasetVersion: wanted, excluded } = draft;
    return versionNote({ dataset, versions: this.all, wanted, trained: this.number, excluded });
  });
  /** Lines that are left out of it. */
  readonly excludedLines = $derived.by(() => {
    const { excluded } = this.#source.draft;
    return excluded && excluded.version === this.number ? excluded.lines : [];
  });
  /** Its good rows. */
  readonly rows = $derived.by(
    () => this.all.find(({ number }) => number === this.number)?.rows ?? this.#source.dataset?.rows ?? 0,
  );

  constructor(source: Source) {
    this.#source = source;
  }
}
