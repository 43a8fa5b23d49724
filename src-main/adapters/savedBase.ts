/**
 * Whole tensors of the base that an adapter's file may hold: those that modules_to_save names, and the embedding and
 * head that PEFT saves of itself after a resize.
 */
import { tokenEmbeddingName, untiedHeadName } from '../engine/model/tensorNames.ts';
import type { Base } from './content.ts';

const HEAD = /(^|\.)(lm_head|embed_out)(\.base_layer)?\.weight$/;
/** Names that a family gives its embedding and its head. */
const SAVED =
  /(^|\.)(embed_tokens|wte|embed_in|lm_head|embed_out)(\.base_layer|\.modules_to_save(\.default)?)?\.weight$/;

export function isSavedBase(name: string): boolean {
  return SAVED.test(name);
}

export function isHead(name: string): boolean {
  return HEAD.test(name);
}

/** The name that a tensor has in the base; files of the bare model lack the prefix. */
export function nameInBase(name: string, { spec }: Pick<Base, 'spec'>): string {
  if (isHead(name)) return untiedHeadName(spec);
  if (isSavedBase(name)) return tokenEmbeddingName(spec);
  return name.startsWith(spec.prefix) ? name : spec.prefix + name;
}
