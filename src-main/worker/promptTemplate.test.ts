/**
 * One prompt template from the rows to the exported model: samples, playground, comparison, server, evaluation and
 * merged files put a question as training did.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { oneHeldOutPrompt } from '../../test-support/fixtures/strangers.ts';
import { TINY_LLAMA } from '../../test-support/fixtures/tinyModel.ts';
import { tinyRun } from '../../test-support/rigs/tinyRun.ts';
import { modelfileFor } from '../exporting/ollama/modelfile.ts';
import { commonTemplate, newTemplate } from '../exporting/chatTemplate.ts';
import { loadTokenizer } from '../datasets/tokenizer.ts';
import { ggufTokenizer } from '../gguf/tokenizer/toGguf.ts';
import type { GenerateParams } from '../../src-shared/generation.ts';
import type { KeptTemplate } from '../../src-shared/promptTemplates.ts';
import type { TrainEvent } from '../../src-shared/training.ts';
import { CallControl } from './control.ts';
import { Resident } from './serve/resident.ts';
import { train } from './train/train.ts';
import { evaluate } from './verify/evaluate.ts';
import { mergeAndVerify } from './verify/merge.ts';

const QUESTION = 'Is it?';
/** The tokenizer has a token per byte, and begins a text with <s>. */
const FRAMED = '<s>[INST] Is it? [/INST]';
const FRAMED_TOKENS = 1 + FRAMED.length - '<s>'.length;
const NOTHING = (): void => undefined;

it('is kept with the adapter, and used wherever it is asked', { timeout: 120_000 }, async () => {
  const rows = [
    [QUESTION, 'Yes.'],
    ['Was it?', 'No.'],
  ].map(([prompt, completion]) => JSON.stringify({ prompt, completion }));
  const spec = await tinyRun({
    rows: [...rows, ...rows],
    config: { ...TINY_LLAMA, max_position_embeddings: 128 },
    data: { promptTemplate: 'llama2', maxLength: 128 },
    method: { rank: 8, alpha: 16, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] },
    train: {
      steps: 100,
      lr: 1e-2,
      schedule: 'constant',
      val: 0,
      samplePrompts: [QUESTION],
      sampleEvery: 100,
      sampleTokens: 12,
    },
  });
  const events: TrainEvent[] = [];
  const trained = await train(spec, false, (event) => void events.push(event), new CallControl());
  expect(trained.promptTemplate).toBe('llama2');
  const sampled = events.filter((event) => event.type === 'sample').at(-1);
  const text = (sampled as { texts: string[] }).texts[0]!;
  expect(text.trim()).toBe('Yes.');

  const template = fs.readFileSync(path.join(spec.outDir, 'chat_template.jinja'), 'utf8');
  const graft = JSON.parse(fs.readFileSync(path.join(spec.outDir, 'graft.json'), 'utf8')) as object;
  expect(graft).toMatchObject({ promptTemplate: { name: 'llama2', template } });

  const resident = new Resident();
  const modelDir = spec.model.dir;
  await resident.load({ engine: 'wasm', modelDir });
  await resident.attach(spec.outDir);
  const usual = { maxNew: 12, temperature: 0 };
  const control = new CallControl();
  const asked: GenerateParams[] = [
    { ...usual, prompt: QUESTION, asTrained: true },
    { ...usual, prompt: QUESTION, chat: true },
    { ...usual, prompt: '', messages: [{ role: 'user', content: QUESTION }] },
  ];
  for (const params of asked) {
    expect(await resident.generate(params, NOTHING, control)).toMatchObject({ text, promptTokens: FRAMED_TOKENS });
    const answered = await resident.answer({ ...params, adapterDir: spec.outDir }, NOTHING, control);
    expect(answered).toMatchObject({ text, promptTokens: FRAMED_TOKENS });
    const [base, adapter] = await resident.compare({ ...params, adapterDirs: [null, spec.outDir] }, NOTHING, control);
    expect(adapter).toMatchObject({ text, promptTokens: FRAMED_TOKENS });
    // Asked in the same words, so that what differs is the adapter.
    expect(base).toMatchObject({ promptTokens: FRAMED_TOKENS });
  }
  await resident.mergeInto([{ adapterDir: spec.outDir, scale: 1 }]);
  for (const params of asked)
    expect(await resident.generate(params, NOTHING, control)).toMatchObject({ text, promptTokens: FRAMED_TOKENS });
  await resident.attach(spec.outDir);
  const typed = await resident.generate({ ...usual, prompt: QUESTION }, NOTHING, control);
  expect(typed.promptTokens).toBe(1 + QUESTION.length);

  // What is measured is what was learnt: rows without their frame would be another text.
  const data = { ...spec.data, promptTemplate: undefined };
  const measured = (adapterDir: string) => evaluate({ engine: 'wasm', modelDir, adapterDir, data, batch: 2 }, NOTHING);
  const { loss } = await measured(spec.outDir);
  const without = path.join(temporaryFolder(), 'adapter');
  fs.cpSync(spec.outDir, without, { recursive: true });
  fs.writeFileSync(path.join(without, 'graft.json'), JSON.stringify({ ...graft, promptTemplate: undefined }));
  expect(loss).toBeLessThan(3);
  expect((await measured(without)).loss).toBeGreaterThan(loss + 1);

  const outDir = path.join(temporaryFolder(), 'merged');
  const heldOut = oneHeldOutPrompt(temporaryFolder());
  const merge = { engine: 'wasm', modelDir, adapterDir: spec.outDir, outDir, heldOut } as const;
  const { certificate } = await mergeAndVerify(merge, NOTHING);
  expect(certificate).toMatchObject({ passed: true });
  expect(certificate.reading!.changedFields).toContain('chat_template.jinja');
  expect(fs.readFileSync(path.join(outDir, 'chat_template.jinja'), 'utf8')).toBe(template);
  await resident.load({ engine: 'wasm', modelDir: outDir });
  for (const params of asked.slice(1))
    expect(await resident.generate(params, NOTHING, control)).toMatchObject({ text, promptTokens: FRAMED_TOKENS });

  const kept = commonTemplate([spec.outDir]);
  const { metadata } = ggufTokenizer(modelDir, TINY_LLAMA, { chatTemplate: newTemplate(modelDir, kept) });
  expect(metadata.get('tokenizer.chat_template')).toMatchObject({ value: template });
  const tokenizer = loadTokenizer(modelDir);
  const modelfile = (rows: 'completion' | 'alpaca', promptTemplate: KeptTemplate | undefined): string =>
    modelfileFor({ gguf: 'm.gguf', tokenizer, rows, promptTemplate }).text;
  expect(modelfile('completion', kept)).toContain('[INST] ');
  expect(modelfile('completion', kept)).not.toContain('"""{{ .Prompt }}"""');
  expect(modelfile('alpaca', { name: 'none' })).toContain('"""{{ .Prompt }}"""');
  expect(modelfile('alpaca', undefined)).toContain('### Instruction');
});
