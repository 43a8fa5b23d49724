/** LM Studio's folder: `PUBLISHER/NAME`, with GGUF files, or a checkpoint, mostly of MLX's. */
import { modelsIn, type Candidate } from './candidate.ts';
import type { Listing } from './listing.ts';

export function inLmStudio(dir: string, listing: Listing): Candidate[] {
  return listing
    .folders(dir)
    .flatMap((publisher) =>
      listing
        .folders(publisher.path)
        .flatMap((model) => modelsIn(model.path, `${publisher.name}/${model.name}`, listing)),
    );
}
