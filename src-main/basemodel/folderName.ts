/** How people know the model in a folder. Those of Hugging Face's cache are named by commits. */
import path from 'node:path';

const IN_CACHE = /[\\/]models--([^\\/]+?)--([^\\/]+)[\\/]snapshots[\\/]([^\\/]+)/;

/** `OWNER/NAME` for what lies in Hugging Face's cache; undefined elsewhere. */
export function hubRepositoryOf(place: string): string | undefined {
  const [, owner, name] = IN_CACHE.exec(place) ?? [];
  return owner === undefined ? undefined : `${owner}/${name}`;
}

/** `OWNER/NAME` for a folder of Hugging Face's cache, else the folder's or file's own name. */
export function modelNameOf(place: string): string {
  const name = path.basename(place);
  return IN_CACHE.exec(place)?.[3] === name ? hubRepositoryOf(place)! : name;
}
