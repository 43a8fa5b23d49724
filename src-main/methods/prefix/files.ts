/** Virtual tokens outside the engine: names and shapes of what is trained, PEFT's format for keys and values. */
import { usageError } from '../../../src-shared/errors.ts';
import type { PrefixSettings } from '../../../src-shared/methods/prefix.ts';
import { checkShapes, contentOf, type AdapterContent, type Base } from '../../adapters/content.ts';
import type { AdapterFile, NamedTensors } from '../../adapters/files.ts';
import { storedFrom, type StoredAdapter } from '../../adapters/stored.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import type { MethodFiles } from '../files.ts';
import { PROMPT, promptOf } from './peft.ts';

export type PrefixOptions = Omit<PrefixSettings, 'type'>;

export const prefixFiles: MethodFiles<PrefixSettings> = {
  check: (spec, _, settings) => void prefixShapes(spec, settings),
  peft: { type: 'PREFIX_TUNING', read: readPrefixTuning },
  own: ({ dir, tensors }, settings, base) => checked(dir, settings, tensors, base),
};

function readPrefixTuning(file: AdapterFile): StoredAdapter {
  const prompt = promptOf(file);
  const settings = { type: 'prefix', kind: 'key-value', prefixLength: prompt.shape[0]!, infixLength: 0 } as const;
  return storedFrom(file, null, (base) => checked(file.dir, settings, new Map([[PROMPT, prompt]]), base));
}

/** The tensors in the order of prefixShapes. */
function checked(dir: string, settings: PrefixSettings, tensors: NamedTensors, base: Base): AdapterContent {
  const shapes = prefixShapes(base.spec, settings);
  checkShapes(dir, shapes, tensors, base);
  return contentOf(settings, { tensors: new Map(shapes.map(({ name }) => [name, tensors.get(name)!])) });
}

/** The trained tensors. Throws BAD_PREFIX. */
export function prefixShapes(
  spec: ArchitectureSpec,
  { kind, prefixLength, infixLength }: PrefixOptions,
): { name: string; shape: number[] }[] {
  const count = prefixLength + infixLength;
  if (count === 0)
    throw usageError(
      'BAD_PREFIX',
      'A prefix of no tokens trains nothing; give a prefix or infix length of at least 1.',
    );
  if (kind === 'key-value' && infixLength > 0)
    throw usageError(
      'BAD_PREFIX',
      'Keys and values can only stand in front of the input; choose the kind embedding or layer for an infix.',
      { infixLength },
    );
  if (count > spec.maxPositions / 2)
    throw usageError(
      'BAD_PREFIX',
      `${count} virtual tokens leave too little of the ${spec.maxPositions} positions of this model; use at ` +
        `most ${Math.floor(spec.maxPositions / 2)}.`,
      { count, maxPositions: spec.maxPositions },
    );
  if (kind === 'embedding') return [{ name: 'virtual_tokens.embedding', shape: [count, spec.hidden] }];
  if (kind === 'layer')
    return Array.from({ length: spec.layers }, (_, layer) => ({
      name: `virtual_tokens.layer.${layer}`,
      shape: [count, spec.hidden],
    }));
  return [{ name: 'prompt_embeddings', shape: [count, spec.layers * 2 * spec.kvHeads * spec.headDim] }];
}
