/** What an export does beside writing weights: said before it starts. */
import fs from 'node:fs';
import { readGraftInfo } from '../../adapters/files.ts';
import { keptTemplate } from '../../adapters/keptTemplate.ts';
import { commonTemplate, newTemplate } from '../../exporting/chatTemplate.ts';
import { PROMPT_TEMPLATE_LABELS } from '../../../src-shared/promptTemplates.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { leftBehindOf } from '../../basemodel/sideFiles.ts';
import { basisFor, headNotes } from './basis.ts';

/** Names that are told of what stays behind. */
const MOST_NAMES = 8;

/** Of a merged model, in sentences. Nothing where a folder cannot be read: the plan says that. */
export function mergeNotes(modelDir: string, adapterDirs: string[]): string[] {
  if (!fs.existsSync(modelDir)) return [];
  const ends = endNotes(adapterDirs, 'written as an EOS into the configuration');
  const template = keptTemplateNotes(modelDir, adapterDirs);
  return [...ends, ...template, ...untyingNotes(modelDir, adapterDirs), ...leftBehindNotes(modelDir)];
}

/** Nothing where the base cannot be read: the plan says that. */
function untyingNotes(modelDir: string, adapterDirs: string[]): string[] {
  let base: BaseModel | undefined;
  try {
    base = openBaseModel(modelDir);
    return headNotes(basisFor(base, adapterDirs), ', and tie_word_embeddings false');
  } catch {
    return [];
  } finally {
    base?.close();
  }
}

/** `how`: the export keeps the tokens that end an answer. */
export function endNotes(adapterDirs: string[], how: string): string[] {
  const known = adapterDirs.map((dir) => readGraftInfo(dir)?.endTokens);
  const texts = [...new Set(known.flatMap((tokens) => (tokens ?? []).map(({ id, text }) => `${text} (${id})`)))];
  const notes = texts.length > 0 ? [`Training taught ${texts.join(', ')} as the end of an answer: ${how}.`] : [];
  return known.includes(undefined)
    ? [...notes, `The token that the chat template ends an answer with, if it has one: ${how}.`]
    : notes;
}

/** How the exported model is asked, where that is not as the base's own files have it. */
export function keptTemplateNotes(modelDir: string, adapterDirs: readonly string[]): string[] {
  const kept = commonTemplate(adapterDirs);
  if (!kept && adapterDirs.some((dir) => keptTemplate(dir)?.template !== undefined))
    return ["The adapters were trained with different prompt templates, so the base's own chat template stays."];
  if (!kept || newTemplate(modelDir, kept) === undefined) return [];
  const name = PROMPT_TEMPLATE_LABELS[kept.name];
  return [`Questions are put as in training (${name}): written as the chat template of the model.`];
}

function leftBehindNotes(modelDir: string): string[] {
  const names = leftBehindOf(modelDir);
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return [`Not part of the model and left behind: ${names.slice(0, MOST_NAMES).join(', ')}${more}.`];
}
