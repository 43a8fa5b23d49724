/**
 * Graft's own adapter format, for what PEFT has no format for (docs/adapter-format.md): the parameters under their
 * names in the engine, and in graft.json the settings of the method. There is no adapter_config.json, so that PEFT does
 * not take the folder for one of its own.
 */
import { z } from 'zod';
import { GraftError } from '../../src-shared/errors.ts';
import { GRAFT_FILE, type GraftAdapterInfo } from './graftInfo.ts';
import { writeAdapterFile, type AdapterFile, type NamedTensors } from './files.ts';
import type { WrittenFile } from '../safetensors/write.ts';

/** What the tensors alone do not tell. */
const methodSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('bitfit') }),
  z.looseObject({
    type: z.literal('adapter'),
    kind: z.enum(['houlsby', 'lin', 'pfeiffer']),
    bottleneck: z.number().int(),
    skipLayers: z.number().int(),
  }),
  z.looseObject({
    type: z.literal('prefix'),
    kind: z.enum(['embedding', 'layer', 'key-value']),
    prefixLength: z.number().int(),
    infixLength: z.number().int(),
  }),
  z.looseObject({ type: z.literal('lokr'), rank: z.number(), alpha: z.number() }),
  z.looseObject({ type: z.literal('loha'), rank: z.number(), alpha: z.number() }),
]);

export interface OwnAdapter {
  type: 'own';
  /** Absolute path. */
  dir: string;
  method: z.infer<typeof methodSchema>;
  tensors: NamedTensors;
  graft: GraftAdapterInfo;
  readonly sha256: string;
  sizeBytes: number;
}

/** Throws GraftError GRAFT_INFO for settings that are not those of a method of this format. */
export function asOwnAdapter(file: AdapterFile): OwnAdapter {
  const graft = file.graft!;
  const method = methodSchema.safeParse(graft.method);
  if (!method.success) {
    throw new GraftError(
      'GRAFT_INFO',
      `${file.dir}/${GRAFT_FILE} has settings of a method (${graft.method?.type}) that this version of Graft ` +
        'does not read; update Graft or export the adapter again.',
      { dir: file.dir, method: graft.method ?? null },
    );
  }
  return {
    type: 'own',
    dir: file.dir,
    method: method.data,
    tensors: file.tensors,
    graft,
    sizeBytes: file.sizeBytes,
    get sha256() {
      return file.sha256;
    },
  };
}

/** Throws as writeAdapterFile. */
export async function writeOwnAdapter(
  dir: string,
  tensors: NamedTensors,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  return writeAdapterFile(dir, { tensors, graft });
}
