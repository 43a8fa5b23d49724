/** One training run of a method through the trainer, as the app does it, and what its saved result is worth. */
import fs from 'node:fs';
import path from 'node:path';
import { openBaseModel } from '../../src-main/basemodel/baseModel.ts';
import { readExamples } from '../../src-main/datasets/dataset.ts';
import { loadTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { virtualPrompt } from '../../src-main/datasets/virtualTokens.ts';
import { generateBatch } from '../../src-main/engine/generate/generate.ts';
import type { Adapter } from '../../src-main/methods/adapter.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import { Random } from '../../src-shared/random.ts';
import { loadAdapter } from '../../src-main/methods/adapterFolder.ts';
import { CallControl } from '../../src-main/worker/control.ts';
import { loadDecoder } from '../../src-main/worker/loadDecoder.ts';
import { runSpecSchema } from '../../src-shared/runSpec.ts';
import type { BackendName } from '../../src-shared/backends.ts';
import { train } from '../../src-main/worker/train/train.ts';
import { corpusBleu } from '../lib/bleu.ts';
import type { ComparedMethod } from './list.ts';

export interface Task {
  modelDir: string;
  engine: BackendName;
  /** Rows to train on; two percent of them are held out for the validation loss. */
  data: string;
  steps: number;
  batch: number;
}

export interface Trained {
  trainable: number;
  initialValLoss: number;
  valLoss: number;
  /** Adapter folder, or model folder of full fine-tuning. */
  dir: string;
}

export async function trainMethod(
  task: Task,
  { settings, lr }: ComparedMethod,
  seed: number,
  runDir: string,
): Promise<Trained> {
  fs.mkdirSync(runDir, { recursive: true });
  const base = openBaseModel(task.modelDir);
  base.close();
  const spec = runSpecSchema.parse({
    runId: 'methods',
    engine: task.engine,
    model: { dir: task.modelDir, hash: base.hash },
    data: { file: task.data },
    task: 'methods',
    method: settings,
    train: { steps: task.steps, batch: task.batch, lr, warmup: 0.1, val: 0.02, seed, checkpointEvery: 0 },
    runDir,
    outDir: path.join(runDir, 'result'),
  });
  const { trainableParameters, initialValLoss, valLoss, outDir } = await train(
    spec,
    false,
    () => undefined,
    new CallControl(),
  );
  return { trainable: trainableParameters, initialValLoss: initialValLoss!, valLoss: valLoss!, dir: outDir };
}

/** Prompts, each once, with all completions that the file has for it. */
export interface Questions {
  prompts: string[];
  references: string[][];
}

/** The first `count` distinct prompts of a prompt/completion file. */
export async function readQuestions(file: string, count: number): Promise<Questions> {
  const { examples } = await readExamples({ file });
  const byPrompt = new Map<string, string[]>();
  for (const { segments = [] } of examples) {
    const [prompt, completion] = segments;
    if (!prompt || !completion) continue;
    byPrompt.set(prompt.text, [...(byPrompt.get(prompt.text) ?? []), completion.text.trim()]);
  }
  const chosen = [...byPrompt].slice(0, count);
  return { prompts: chosen.map(([prompt]) => prompt), references: chosen.map(([, references]) => references) };
}

const ROWS_AT_ONCE = 50;
const MAX_NEW = 96;

/** BLEU of greedy answers. `dir`: what training wrote; null: the base itself. */
export async function bleuOfResult(
  { modelDir }: Task,
  dir: string | null,
  isModel: boolean,
  { prompts, references }: Questions,
): Promise<number> {
  const base = openBaseModel(isModel ? dir! : modelDir);
  const adapter = dir === null || isModel ? null : loadAdapter(dir, base);
  const model = (await loadDecoder(base)).with(adapter);
  try {
    return corpusBleu(await answers(model, adapter, modelDir, prompts), references);
  } finally {
    adapter?.dispose();
    model.dispose();
    base.close();
  }
}

async function answers(
  model: Decoder,
  adapter: Adapter | null,
  modelDir: string,
  prompts: string[],
): Promise<string[]> {
  const tokenizer = loadTokenizer(modelDir);
  const eosIds = [...new Set([...tokenizer.eosIds, ...model.spec.eosTokenIds])];
  const texts: string[] = [];
  for (let start = 0; start < prompts.length; start += ROWS_AT_ONCE) {
    const rows = prompts.slice(start, start + ROWS_AT_ONCE).map((text) => {
      const ids = tokenizer.encodePrompt(text);
      const prompt = adapter?.virtual ? virtualPrompt(ids, { ...adapter.virtual, vocab: model.spec.vocab }) : ids;
      return { prompt, options: { maxNew: MAX_NEW, temperature: 0, eosIds, random: new Random(0) } };
    });
    const tokens = rows.map((): number[] => []);
    for await (const event of generateBatch(model, rows)) if ('id' in event) tokens[event.row]!.push(event.id);
    texts.push(...tokens.map((ids) => tokenizer.decode(ids).trim()));
  }
  return texts;
}
