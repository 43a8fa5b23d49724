/** What a folder holds and Graft does not use, in sentences for the user. */
import type { ModelConfig } from '../engine/model/architecture.ts';
import { isMultimodal } from '../engine/model/multimodal.ts';
import { unknownFields } from './configFields.ts';
import type { ModelTensors } from './modelTensors.ts';
import type { WeightFiles } from './weightFiles.ts';

const MOST_NAMES = 8;

export function notesOn(config: ModelConfig, found: ModelTensors, { files, unused }: WeightFiles): string[] {
  const fields = unknownFields(config);
  const notes = files.flatMap((file) => file.notes ?? []);
  const leftAside = files.flatMap((file) => file.leftAside ?? []);
  const unread = [...found.unread.map(({ name }) => name), ...files.flatMap((file) => file.unread ?? [])];
  if (unused !== undefined) notes.push(`The folder also holds ${unused}; its safetensors are used.`);
  if (leftAside.length > 0)
    notes.push(`The weights files also hold what is no weight, which is left alone: ${some(leftAside)}.`);
  if (unread.length > 0 && isMultimodal(config))
    notes.push(
      'This is a multimodal model: its text part is trained, and the rest goes into every export as it is ' +
        `(${some(unread)}).`,
    );
  else if (unread.length > 0)
    notes.push('No layer of the model reads these tensors of its files, so they are left alone: ' + `${some(unread)}.`);
  if (fields.length > 0)
    notes.push(`Graft does not know these fields of config.json and goes on without them: ${some(fields)}.`);
  return notes;
}

function some(names: string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
