/**
 * A model named as Hugging Face names it (`owner/name`, or its address) instead of by a folder. Graft downloads
 * nothing; it says what was named and how to get it.
 */
import fs from 'node:fs';
import { usageError } from '../../../src-shared/errors.ts';
import { findModels, type FoundModel } from './find.ts';

const NAME = /^[\w][\w.-]*\/[\w.-]+$/;
const ADDRESS =
  /^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\/(?:models\/)?([\w][\w.-]*\/[\w.-]+)(?:[/?#].*)?$/i;

/** `owner/name` where the text names a repository; undefined for anything else, and for a folder that is there. */
export function repositoryNamed(text: string): string | undefined {
  const wanted = text.trim();
  const [, fromAddress] = ADDRESS.exec(wanted) ?? [];
  const name = fromAddress ?? (NAME.test(wanted) ? wanted : undefined);
  return name !== undefined && fs.existsSync(wanted) ? undefined : name;
}

/** The command of Hugging Face's own tool that downloads a repository into a folder beside where it is run. */
function downloadCommand(repository: string): string {
  return `hf download ${repository} --local-dir ${repository.split('/')[1]}`;
}

/** Throws MODEL_IS_REPOSITORY where a repository is named; `found`: models of other programs on this machine. */
export function refuseRepository(text: string, found: () => readonly FoundModel[] = findModels): void {
  const repository = repositoryNamed(text);
  if (repository === undefined) return;
  const command = downloadCommand(repository);
  const local = found().find(({ name }) => name.toLowerCase() === repository.toLowerCase())?.dir;
  const what = `${repository} looks like the name of a repository on Hugging Face, and there is no such folder here`;
  throw usageError(
    'MODEL_IS_REPOSITORY',
    local === undefined
      ? `${what}; Graft downloads nothing itself, so run "${command}" and add the folder that it makes.`
      : `${what}; it has been downloaded to ${local} already, so add that folder.`,
    { repository, command, ...(local === undefined ? {} : { dir: local }) },
  );
}
