/**
 * Looks through one place where other programs keep models. Runs in a look, since a place may be huge, or lie on a
 * disk that does not answer. Nothing is changed there.
 */
import fs from 'node:fs';
import type { FoundInPlace, ModelPlace, PlaceName } from '../../../../src-shared/foundModels.ts';
import { counted } from '../../../../src-shared/plural.ts';
import type { Candidate } from './candidate.ts';
import { inFolder } from './folder.ts';
import { inHubCache } from './hubCache.ts';
import { judge } from './judge.ts';
import { Listing } from './listing.ts';
import { inLmStudio } from './lmStudio.ts';
import { inOllama } from './ollama.ts';

/** Models of one place that are opened. */
const MOST_MODELS = 200;

const FINDERS: Record<PlaceName, (dir: string, listing: Listing) => Candidate[]> = {
  'Hugging Face': inHubCache,
  'LM Studio': inLmStudio,
  Ollama: inOllama,
  'llama.cpp': inFolder,
  Folder: inFolder,
};

/** By name. A place that is not there holds nothing. */
export function findModels(place: ModelPlace): FoundInPlace {
  const listing = new Listing();
  const candidates = candidatesIn(place, listing);
  const models = candidates
    .slice(0, MOST_MODELS)
    .map((candidate) => ({ ...plain(candidate), place: place.name, ...judge(candidate) }));
  return { ...place, models, problem: problemOf(place, listing, candidates.length) };
}

/** What a place holds by the names of its files, none of which is opened but Ollama's manifests. */
export function candidatesIn({ name, dir }: ModelPlace, listing = new Listing()): Candidate[] {
  return FINDERS[name](dir, listing).sort((a, b) => a.name.localeCompare(b.name));
}

function plain({ name, path, sizeBytes }: Candidate): Omit<Candidate, 'kind'> {
  return { name, path, sizeBytes };
}

function problemOf({ name, dir }: ModelPlace, { unreadable, cut }: Listing, found: number): string | null {
  const [first] = unreadable;
  if (first === dir) return `${dir} cannot be read; check that it is a folder and that you may read it.`;
  if (first !== undefined)
    return `${counted(unreadable.length, 'folder')} in ${dir} cannot be read, first ${first}; check your rights.`;
  if (cut || found > MOST_MODELS)
    return `${dir} holds too much to look at all of it; name a folder in it under “Another folder”.`;
  if (name === 'Folder' && !fs.existsSync(dir)) return `${dir} is not there any more; remove it from the list.`;
  return null;
}
