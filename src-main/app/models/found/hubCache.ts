/** Hugging Face's cache: `models--OWNER--NAME/snapshots/COMMIT`, whose files are links to blobs (hub/cache.ts). */
import path from 'node:path';
import { modelsIn, type Candidate } from './candidate.ts';
import type { Listing } from './listing.ts';

/** Of each repository the newest snapshot that holds a model. */
export function inHubCache(dir: string, listing: Listing): Candidate[] {
  return listing
    .folders(dir)
    .filter(({ name }) => name.startsWith('models--'))
    .flatMap(({ name, path: repository }) => {
      const snapshots = listing
        .folders(path.join(repository, 'snapshots'))
        .sort((a, b) => b.modifiedMs - a.modifiedMs)
        .map((snapshot) => modelsIn(snapshot.path, name.split('--').slice(1).join('/'), listing));
      return (
        snapshots.find((models) => models.some(({ kind }) => kind === 'folder')) ??
        snapshots.find((models) => models.length > 0) ??
        []
      );
    });
}
