/** Which version of its dataset a new run trains on, what the user should know about that, and what the run is for. */
import type { Dataset, VersionView } from '../../lib/api.ts';

/** Rows that are left out, as lines of one version's file; in another version the same rows may be other lines. */
export interface Excluded {
  version: number;
  lines: number[];
}

export type KnownVersion = Pick<VersionView, 'number' | 'file' | 'change' | 'state'>;

export interface VersionNote {
  text: string;
  /** Another version that can be chosen instead. */
  offer: number | undefined;
}

/**
 * `wanted` while its file is what it was, else the current version, else the newest that is. `versions` newest first;
 * none: not known yet.
 */
export function versionFor(wanted: number | undefined, current: number, versions: readonly KnownVersion[]): number {
  const usable = versions.filter(({ state }) => state === 'same').map(({ number }) => number);
  if (wanted === undefined) return current;
  if (versions.length === 0 || usable.includes(wanted)) return wanted;
  return usable.includes(current) ? current : (usable[0] ?? wanted);
}

/** Undefined where the run trains on the current version as the user wants it. `trained`: what versionFor says. */
export function versionNote(input: {
  dataset: Pick<Dataset, 'name' | 'version'>;
  versions: readonly KnownVersion[];
  wanted: number | undefined;
  trained: number;
  excluded: Excluded | null;
}): VersionNote | undefined {
  const { dataset, versions, wanted, trained, excluded } = input;
  const lost = wanted !== undefined && wanted !== trained ? wanted : undefined;
  const isUsable = (number: number): boolean =>
    versions.some((version) => version.number === number && version.state === 'same');
  const sentences: string[] = [];
  let offer: number | undefined;
  if (lost !== undefined) sentences.push(lostText(dataset.name, lost, trained, versions));
  else if (trained !== dataset.version && isUsable(dataset.version)) {
    sentences.push(otherText(dataset, trained, versions));
    offer = dataset.version;
  }
  if (excluded && excluded.lines.length > 0 && excluded.version !== trained) {
    sentences.push(
      excluded.lines.length === 1
        ? `The row that was left out is a row of version ${excluded.version}, so nothing is left out of version ` +
            `${trained}.`
        : `The ${excluded.lines.length} rows that were left out are rows of version ${excluded.version}, so nothing ` +
            `is left out of version ${trained}.`,
    );
    if (isUsable(excluded.version)) offer = excluded.version;
  }
  return sentences.length > 0 ? { text: sentences.join(' '), offer } : undefined;
}

function lostText(name: string, lost: number, trained: number, versions: readonly KnownVersion[]): string {
  const gone = versions.find(({ number }) => number === lost);
  const why = !gone
    ? 'it is not in the list of versions any more'
    : gone.state === 'missing'
      ? `its file ${gone.file} does not exist any more`
      : `its file ${gone.file} has changed since`;
  return `Version ${lost} of ${name} cannot be used, since ${why}; this run trains on version ${trained} instead.`;
}

function otherText(
  { name, version }: Pick<Dataset, 'name' | 'version'>,
  trained: number,
  versions: readonly KnownVersion[],
): string {
  const { change } = versions.find(({ number }) => number === version)!;
  const about = version > trained ? `version ${version} is newer (${change})` : `version ${version} is the current one`;
  return `This run trains on version ${trained} of ${name}; ${about}.`;
}

/** What a run on this dataset is for, as long as the user has not said: the sample's task, else the file's name. */
export function taskNameFor(dataset: Dataset | undefined, suggestions: Readonly<Record<string, string>>): string {
  if (!dataset) return '';
  return (suggestions[dataset.id] ?? dataset.name.replace(/\.\w+$/, '')).slice(0, 80);
}
