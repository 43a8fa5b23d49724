/**
 * A model named as Hugging Face names it (`owner/name`, or its address) where a folder is wanted. Nothing is fetched
 * unless the user asks for it; the error says what was named and how to get it.
 */
import fs from 'node:fs';
import { sourceNamed, sourceText } from '../../hub/source.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { isGgufFile } from './ggufFile.ts';
import type { Candidate } from './found/candidate.ts';
import { candidatesIn } from './found/find.ts';
import { modelPlaces } from './found/places.ts';

type Named = Pick<Candidate, 'name' | 'path'>;

/** Throws MODEL_IS_REPOSITORY where a repository is named; `found`: models of other programs on this machine. */
export function refuseRepository(text: string, found: () => readonly Named[] = usual): void {
  const named = fs.existsSync(text.trim()) ? undefined : sourceNamed(text);
  // A file of the machine with a slip in its path, and no repository that ends in .gguf.
  if (named === undefined || (named.file === undefined && isGgufFile(text))) return;
  const { repository } = named;
  const source = sourceText(named);
  const local = found().find(({ name }) => name.toLowerCase() === repository.toLowerCase())?.path;
  const what = `${repository} looks like the name of a repository on Hugging Face, and there is no such folder here`;
  throw usageError(
    'MODEL_IS_REPOSITORY',
    local === undefined
      ? `${what}; fetch it with "graft pull ${source}", or under From Hugging Face on the page Models.`
      : `${what}; it has been downloaded to ${local} already, so add that folder.`,
    { repository, source, ...(local === undefined ? {} : { dir: local }) },
  );
}

function usual(): Named[] {
  return modelPlaces()
    .filter(({ name }) => name === 'Hugging Face' || name === 'LM Studio')
    .flatMap((place) => candidatesIn(place));
}
