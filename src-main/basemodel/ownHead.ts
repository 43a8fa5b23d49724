/** A base whose head is its embedding, seen as one with a head of its own that holds the same values. */
import { headNamesInFiles, tokenEmbeddingName, untiedHeadName } from '../engine/model/tensorNames.ts';
import type { BaseModel } from './baseModel.ts';

/** Shares the open files with `base`. One that has a head of its own already comes back as it is. */
export function withOwnHead(base: BaseModel): BaseModel {
  const { spec } = base;
  if (!spec.tiedHead) return base;
  const [embedding, head] = [tokenEmbeddingName(spec), untiedHeadName(spec)];
  const source = base.tensors.get(embedding)!;
  // The files of a multimodal release keep the head beside the embedding, under the one name or the other.
  const [newName, oldName = newName] = headNamesInFiles(spec) as [string, string?];
  const own = {
    ...source,
    name: head,
    originalName: source.originalName.startsWith('language_model.') ? oldName : newName,
  };
  const under = (name: string): string => (name === head ? embedding : name);
  return {
    ...base,
    spec: { ...spec, tiedHead: false },
    tensors: new Map([...base.tensors, [head, own]]),
    has: (name) => base.has(under(name)),
    shape: (name) => base.shape(under(name)),
    readF32: (name) => base.readF32(under(name)),
    fillF32: (name, values) => base.fillF32(under(name), values),
    takenApart: true,
  };
}
