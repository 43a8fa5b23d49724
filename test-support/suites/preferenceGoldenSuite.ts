/**
 * 20 steps of every preference objective that the reference data has, against PyTorch with PEFT: losses, gradient
 * norms, log-probabilities, rewards, first gradients and final parameters. Batches and the start of the LoRA are put
 * together from the files here, not by Graft's readers.
 */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../src-shared/backends.ts';
import { objectiveSchema, type Objective, type PreferenceScores } from '../../src-shared/objectives.ts';
import { scheduleFactor } from '../../src-shared/schedule.ts';
import { linearModules } from '../../src-main/engine/model/architecture.ts';
import type { Decoder } from '../../src-main/engine/model/decoder.ts';
import type { Parameter } from '../../src-main/engine/model/parameters.ts';
import { AdamW } from '../../src-main/engine/optim/adamw.ts';
import type { Batch } from '../../src-main/engine/train/batchLoss.ts';
import { answerLogProbs } from '../../src-main/engine/train/preference/answerLogProbs.ts';
import type { PreferenceBatch } from '../../src-main/engine/train/preference/batch.ts';
import { ScoreSum } from '../../src-main/engine/train/preference/scores.ts';
import { referencePoint } from '../../src-main/engine/train/preference/objectiveLoss.ts';
import { accumulatePreference } from '../../src-main/engine/train/preference/step.ts';
import { applyGradients } from '../../src-main/engine/train/step.ts';
import { LoraAdapter, makePair } from '../../src-main/methods/lora/lora.ts';
import { bootOrNote } from '../checks/engineSkip.ts';
import { expectClose } from '../checks/expectClose.ts';
import { loadModel, readJson, readTensors, type CaseGolden } from '../goldens/goldens.ts';
import { sharedPath, skipNote } from '../goldens/shared.ts';

const OBJECTIVES: Record<string, object> = {
  dpo: { type: 'dpo', beta: 0.1 },
  dpo_ipo: { type: 'dpo', beta: 0.1, loss: 'ipo' },
  orpo: { type: 'orpo', lambda: 0.1, lossOn: 'all' },
  orpo_completion: { type: 'orpo', lambda: 0.1, lossOn: 'completion' },
  simpo: { type: 'simpo', beta: 2, gamma: 0.5 },
  kto: { type: 'kto', beta: 0.1 },
  kto_apo_zero: { type: 'kto', beta: 0.1, referencePoint: 'zero' },
};
export const PREFERENCE_CASES = Object.keys(OBJECTIVES);

interface PreferenceGolden extends CaseGolden {
  steps: (CaseGolden['steps'][number] & {
    policy_chosen_logps: number[];
    policy_rejected_logps: number[];
    reference_chosen_logps?: number[];
    reference_rejected_logps?: number[];
    rewards_chosen: number[];
    rewards_rejected: number[];
    accuracy: number;
    kl?: number;
  })[];
}

interface StoredPair {
  prompt_length: number;
  chosen: number[];
  rejected: number[];
}

export async function preferenceGoldenSuite(
  engine: BackendName,
  models: readonly string[],
  cases: readonly string[],
  rtol: number,
): Promise<void> {
  const note = skipNote('golden') || (await bootOrNote(engine));
  const all = models.flatMap((model) => cases.map((name) => [model, name] as const));
  describe.skipIf(note !== '')(`preference tuning on ${engine} against PyTorch goldens${note}`, () => {
    it.each(all)('20 steps of %s/%s', async (modelName, name) => {
      const base = loadModel(sharedPath(`golden/${modelName}/base`));
      const { adapter, names } = startOf(base, `golden/${modelName}/${name}`);
      try {
        const objective = objectiveSchema.parse(OBJECTIVES[name]);
        await checkSteps(base, adapter, names, { folder: `golden/${modelName}/${name}`, objective, rtol });
      } finally {
        adapter.dispose();
        base.dispose();
      }
    });
  });
}

/** A trained tensor's name among the gradients and in the final file. */
type Names = Map<Parameter, { gradient: string; final: string }>;

function startOf(model: Decoder, folder: string): { adapter: LoraAdapter; names: Names } {
  const { r, lora_alpha: alpha } = readJson<{ r: number; lora_alpha: number }>(`${folder}/initial/adapter_config.json`);
  const tensors = readTensors(`${folder}/initial/adapter_model.safetensors`);
  const names: Names = new Map();
  const pairs = linearModules(model.spec)
    .filter(({ slice }) => !slice)
    .map((module) => {
      const key = (part: string): string => `base_model.model.${module.module}.${part}`;
      const [A, B] = [tensors.get(key('lora_A.weight'))!, tensors.get(key('lora_B.weight'))!];
      const pair = makePair(module, A.values, B.values, r, alpha / r);
      names.set(pair.A, { gradient: key('lora_A.default.weight'), final: key('lora_A.weight') });
      names.set(pair.B, { gradient: key('lora_B.default.weight'), final: key('lora_B.weight') });
      return pair;
    });
  return { adapter: new LoraAdapter(pairs), names };
}

interface Case {
  folder: string;
  objective: Objective;
  rtol: number;
}

async function checkSteps(
  base: Decoder,
  adapter: LoraAdapter,
  names: Names,
  { folder, objective, rtol }: Case,
): Promise<void> {
  const golden = readJson<PreferenceGolden>(`${folder}/golden.json`);
  const stored = readJson<{ pad_id: number; batches: StoredPair[][] }>('golden/preference_data.json');
  const batches = await Promise.all(
    stored.batches.map((pairs) => preferenceBatch(base, pairs, stored.pad_id, objective)),
  );
  const model = base.with(adapter);
  const parameters = adapter.parameters();
  const { lr, weight_decay: weightDecay, clip, warmup, eps, steps } = golden.hyperparameters;
  const optimizer = new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps, weightDecay });
  const close = (got: readonly number[], want: readonly number[], atol: number, label: string): void =>
    expectClose([...got], [...want], { rtol, atol }, label);
  let tensors = 0;
  for (const [step, want] of golden.steps.entries()) {
    const batch = batches[want.batch!]!;
    const z = objective.type === 'kto' ? await referencePoint(model, [batch], objective) : 0;
    const { logProbs, ...sums } = accumulatePreference(model, parameters, [batch], objective, { z });
    if (step === 0) await checkGradients(sums.gradients, parameters, names, folder, rtol);
    const values = [...(await logProbs[0]!.data())];
    tf.dispose(logProbs);
    const result = await applyGradients(optimizer, sums, {
      lr: lr * scheduleFactor('linear', step, warmup, steps),
      clip,
    });
    // Below the distance between PyTorch in float32 and in float64.
    close([result.loss], [want.loss], 1e-6, `loss of step ${step}`);
    close([result.gradNorm], [want.grad_norm], 0, `gradient norm of step ${step}`);
    close(values, [...want.policy_chosen_logps, ...want.policy_rejected_logps], 0, `log-probabilities of step ${step}`);
    if (want.reference_chosen_logps)
      close(
        [...batch.reference!],
        [...want.reference_chosen_logps, ...want.reference_rejected_logps!],
        0,
        `reference of step ${step}`,
      );
    if (want.kl !== undefined && objective.type === 'kto' && objective.referencePoint === 'kl')
      close([z], [want.kl], 100 * rtol, `reference point of step ${step}`);
    checkScores(scoresOf(objective, batch, values), want, 100 * rtol);
    if (step === 0) tensors = tf.memory().numTensors; // by now the tables of the model exist
  }
  expect(tf.memory().numTensors).toBe(tensors);
  optimizer.dispose();
  const final = readTensors(`${folder}/final/adapter_model.safetensors`);
  for (const parameter of parameters)
    await checkTensor(parameter.value, final.get(names.get(parameter)!.final)!, 20 * rtol, `final ${parameter.name}`);
}

/** As the file's note has it: chosen rows, then rejected ones; KTO's other answers are those of the row before. */
async function preferenceBatch(
  base: Decoder,
  pairs: StoredPair[],
  padId: number,
  objective: Objective,
): Promise<PreferenceBatch> {
  const rows = (['chosen', 'rejected'] as const).flatMap((side) =>
    pairs.map((pair) => ({
      prompt: pair[side].slice(0, pair.prompt_length),
      answer: pair[side].slice(pair.prompt_length),
    })),
  );
  const batch = padded(rows, padId);
  const good = Uint8Array.from(rows, (_, i) => (i < pairs.length ? 1 : 0));
  if (objective.type === 'orpo' || objective.type === 'simpo') return { rows: batch };
  const { logProbs: reference } = await answerLogProbs(base, batch);
  if (objective.type !== 'kto') return { rows: batch, reference };
  const others = padded(
    rows.map(({ prompt }, i) => ({ prompt, answer: rows.at(i - 1)!.answer })),
    padId,
  );
  const { logProbs } = await answerLogProbs(base, others);
  return { rows: batch, reference, good, mismatched: { rows: others, reference: logProbs } };
}

function padded(rows: { prompt: number[]; answer: number[] }[], padId: number): Batch {
  const T = Math.max(...rows.map(({ prompt, answer }) => prompt.length + answer.length));
  const fill = (row: number[], value: number): number[] => [...row, ...Array<number>(T - row.length).fill(value)];
  return {
    ids: Int32Array.from(rows.flatMap(({ prompt, answer }) => fill([...prompt, ...answer], padId))),
    labels: Int32Array.from(rows.flatMap(({ prompt, answer }) => fill([...prompt.map(() => -100), ...answer], -100))),
    mask: Int32Array.from(
      rows.flatMap(({ prompt, answer }) =>
        fill(
          [...prompt, ...answer].map(() => 1),
          0,
        ),
      ),
    ),
    B: rows.length,
    T,
  };
}

function scoresOf(objective: Objective, batch: PreferenceBatch, logProbs: number[]): PreferenceScores {
  const { rows } = batch;
  const tokens = logProbs.map(
    (_, b) => rows.labels.subarray(b * rows.T, (b + 1) * rows.T).filter((label) => label >= 0).length,
  );
  const sum = new ScoreSum(objective);
  sum.addBatch(batch, logProbs, tokens);
  return sum.scores;
}

function checkScores(got: PreferenceScores, want: PreferenceGolden['steps'][number], atol: number): void {
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [chosen, rejected] = [mean(want.rewards_chosen), mean(want.rewards_rejected)];
  expectClose(
    [got.chosenReward!, got.rejectedReward!, got.margin!],
    [chosen, rejected, chosen - rejected],
    { rtol: 0, atol },
    'rewards',
  );
  if (got.kl === undefined && want.reference_chosen_logps === undefined) expect(got.accuracy).toBe(want.accuracy);
}

async function checkGradients(
  gradients: tf.Tensor[],
  parameters: Parameter[],
  names: Names,
  folder: string,
  rtol: number,
): Promise<void> {
  const want = readTensors(`${folder}/grads_step0.safetensors`);
  for (const [i, parameter] of parameters.entries())
    await checkTensor(gradients[i]!, want.get(names.get(parameter)!.gradient)!, rtol, `gradient of ${parameter.name}`);
}

async function checkTensor(
  got: tf.Tensor,
  want: { shape: number[]; values: Float32Array },
  rtol: number,
  label: string,
): Promise<void> {
  expect(got.shape, label).toEqual(want.shape);
  const largest = want.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectClose(await got.data(), [...want.values], { rtol: 0, atol: rtol * largest + 1e-12 }, label);
}
