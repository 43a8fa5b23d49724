/**
 * Whole tensors of the base that PEFT saves beside an adapter (the embedding after a resize, with the head where it is
 * one of its own). Unchanged they say nothing; changed ones were trained, which an adapter cannot say here.
 */
import { headName, tokenEmbeddingName } from '../engine/model/tensorNames.ts';
import { readTensorF32 } from '../safetensors/read.ts';
import type { Base } from './content.ts';
import type { NamedTensor } from './files.ts';
import { peftUnsupported } from './peft.ts';

const HEAD = /(^|\.)(lm_head|embed_out)(\.base_layer)?\.weight$/;
/** Names that a family gives its embedding and its head. */
const SAVED = /(^|\.)(embed_tokens|wte|embed_in|lm_head|embed_out)(\.base_layer)?\.weight$/;

export function isSavedBase(name: string): boolean {
  return SAVED.test(name);
}

/** `saved`: by name below PEFT's prefix. Throws PEFT_UNSUPPORTED for values other than the base's. */
export function checkSavedBase(file: string, saved: Map<string, NamedTensor>, base: Base): void {
  for (const [name, { shape, data }] of saved) {
    const own = base.tensors.get(nameInBase(name, base));
    const same = own?.shape.join() === shape.join() && readTensorF32(own).every((value, i) => value === data[i]);
    if (same) continue;
    throw peftUnsupported(
      file,
      `a trained ${HEAD.test(name) ? 'output head' : 'embedding'} (${name} is saved along and differs from the base ` +
        `model in ${base.dir})`,
      'an adapter of linear layers alone, or a model with the adapter merged into it',
    );
  }
}

/** The head of a tied model is the embedding; files of the bare model lack the prefix. */
function nameInBase(name: string, { spec }: Base): string {
  return HEAD.test(name) ? headName(spec) : tokenEmbeddingName(spec);
}
