/** The adapters of a whole model, which may have none, and the tokens that they were taught to end with. */
import fs from 'node:fs';
import path from 'node:path';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import type { MergeParams, TaskDir } from '../../src-shared/exports.ts';
import type { KeptTemplate } from '../../src-shared/promptTemplates.ts';
import { commonTemplate } from '../exporting/chatTemplate.ts';
import { newEndIds } from './endTokens.ts';

type Merged = Pick<MergeParams, 'tasks' | 'adapterDir'>;

export function tasksOf({ tasks, adapterDir }: Merged): TaskDir[] {
  return tasks ?? [{ adapterDir, scale: 1 }];
}

/** Ids that end an answer of the adapters and that the base does not name. */
export function taughtIds(params: Merged, base: BaseModel): number[] {
  if (!fs.existsSync(path.join(base.dir, 'tokenizer.json'))) return [];
  const dirs = tasksOf(params).map(({ adapterDir }) => adapterDir);
  return newEndIds(dirs, loadTokenizer(base.dir));
}

/** How questions were put to all of the adapters; undefined where that is not known, or differs. */
export function taughtTemplate(params: Merged): KeptTemplate | undefined {
  return commonTemplate(tasksOf(params).map(({ adapterDir }) => adapterDir));
}
