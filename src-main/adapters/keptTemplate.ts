/** The prompt template that an adapter was trained with, as far as its folder says. */
import fs from 'node:fs';
import path from 'node:path';
import { CHAT_TEMPLATE } from '../basemodel/sideFiles.ts';
import { readForeignText } from '../files/foreignFile.ts';
import type { KeptTemplate } from '../../src-shared/promptTemplates.ts';
import { readGraftInfo } from './files.ts';

/** Of an adapter made elsewhere the chat template beside it, as TRL saves it with the tokenizer. */
export function keptTemplate(dir: string): KeptTemplate | undefined {
  const graft = readGraftInfo(dir);
  if (graft) return graft.promptTemplate;
  const file = path.join(dir, CHAT_TEMPLATE);
  return fs.existsSync(file) ? { name: 'own', template: readForeignText(file) } : undefined;
}
