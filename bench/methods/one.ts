/** One training run of one method in a process of its own: `one.ts REQUEST` with JSON in, one line of JSON out. */
import { isAdapter } from '../../src-shared/methods/registry.ts';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { toErrorData } from '../../src-shared/errors.ts';
import { comparedMethods } from './list.ts';
import { bleuOfResult, readQuestions, trainMethod, type Task } from './quality.ts';

export interface OneRequest {
  task: Task;
  /** Name in list.ts. */
  method: string;
  seed: number;
  /** Instead of the list's. */
  lr?: number;
  /** BLEU of so many prompts of a file, of the trained result. */
  bleu?: { file: string; prompts: number };
}

export interface OneAnswer {
  trainable: number;
  initialValLoss: number;
  valLoss: number;
  bleu: number | null;
  /** Why the base model cannot have this method; then the rest says nothing. */
  refused: string | null;
}

async function answer({ task, method: name, seed, lr, bleu }: OneRequest, folder: string): Promise<OneAnswer> {
  const base = openBaseModel(task.modelDir);
  base.close();
  const listed = comparedMethods(base.spec).find((method) => method.name === name)!;
  try {
    const { dir, ...figures } = await trainMethod(
      task,
      { ...listed, lr: lr ?? listed.lr },
      seed,
      path.join(folder, 'run'),
    );
    const score = bleu
      ? await bleuOfResult(task, dir, !isAdapter(listed.settings), await readQuestions(bleu.file, bleu.prompts))
      : null;
    return { ...figures, bleu: score, refused: null };
  } catch (error) {
    const { kind, code, message } = toErrorData(error);
    if (kind === 'usage' || code === 'RESULT_NOT_FINITE' || code === 'LOSS_NOT_FINITE')
      return { trainable: 0, initialValLoss: NaN, valLoss: NaN, bleu: null, refused: message };
    throw error;
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'graft-methods-'));
try {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(process.argv[2]!) as OneRequest, folder))}\n`);
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
