/**
 * Ollama's folder: `manifests/REGISTRY/OWNER/NAME/TAG` is JSON that names the model among its layers by digest, and
 * `blobs/sha256-HEX` is the GGUF file itself.
 */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../../files/parseJson.ts';
import { readForeignText } from '../../../files/foreignFile.ts';
import type { Candidate } from './candidate.ts';
import type { Entry, Listing } from './listing.ts';

const MODEL_LAYER = 'application/vnd.ollama.image.model';
const MANIFEST_BYTES = 1 << 20;

const manifestSchema = z.object({
  layers: z.array(z.object({ mediaType: z.string(), digest: z.string() })),
});

export function inOllama(dir: string, listing: Listing): Candidate[] {
  const registries = listing.folders(path.join(dir, 'manifests'));
  return registries.flatMap((registry) =>
    listing.folders(registry.path).flatMap((owner) =>
      listing.folders(owner.path).flatMap((model) =>
        listing
          .entries(model.path)
          .filter(({ kind }) => kind === 'file')
          .flatMap((tag) => {
            const blob = blobOf(dir, tag);
            return blob ? [{ name: nameOf(registry, owner, model, tag), kind: 'gguf' as const, ...blob }] : [];
          }),
      ),
    ),
  );
}

/** As `ollama list` has it: `llama3.2:1b`, `them/tuned:latest`, `hf.co/owner/name:Q4_K_M`. */
function nameOf(registry: Entry, owner: Entry, model: Entry, tag: Entry): string {
  const parts = [registry, owner].map(({ name }) => name);
  const usual = registry.name === 'registry.ollama.ai' ? (owner.name === 'library' ? 2 : 1) : 0;
  return `${[...parts.slice(usual), model.name].join('/')}:${tag.name}`;
}

/** The file of the model; undefined where the manifest names none that is here whole. */
function blobOf(dir: string, manifest: Entry): Pick<Candidate, 'path' | 'sizeBytes'> | undefined {
  const digest = digestIn(manifest.path);
  if (digest === undefined) return undefined;
  const file = path.join(dir, 'blobs', digest.replace(':', '-'));
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() ? { path: file, sizeBytes: stat.size } : undefined;
}

function digestIn(file: string): string | undefined {
  try {
    const json = parseJson(readForeignText(file, MANIFEST_BYTES));
    const parsed = 'problem' in json ? undefined : manifestSchema.safeParse(json.value);
    const digest = parsed?.data?.layers.find(({ mediaType }) => mediaType === MODEL_LAYER)?.digest;
    // It becomes part of a path.
    return digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined;
  } catch {
    return undefined;
  }
}
