/**
 * A process of the steps that PyTorch has recorded: `mpirun -np N node golden.ts llama/lora_all LOG`. The first writes
 * losses and gradient norms to LOG.
 */
import fs from 'node:fs';
import type { TokenisedExample } from '../../../src-main/datasets/types.ts';
import { openBaseModel } from '../../../src-main/basemodel/baseModel.ts';
import { bootBackend } from '../../../src-main/engine/backends/backends.ts';
import { AdamW } from '../../../src-main/engine/optim/adamw.ts';
import { loadAdapter } from '../../../src-main/methods/adapterFolder.ts';
import { LoraAdapter } from '../../../src-main/methods/lora/lora.ts';
import { joinRanks } from '../../../src-main/mpi/join.ts';
import { CallControl } from '../../../src-main/worker/control.ts';
import type { Run } from '../../../src-main/worker/train/run.ts';
import { newProgress } from '../../../src-main/worker/train/state.ts';
import { takeStep } from '../../../src-main/worker/train/step.ts';
import { alone, leaveRanks, teamOf } from '../../../src-main/worker/train/team.ts';
import { scheduleFactor } from '../../../src-shared/schedule.ts';
import { trainSettingsSchema } from '../../../src-shared/settings/training.ts';
import { loadModel, readJson, type CaseGolden } from '../../goldens/goldens.ts';
import { sharedPath } from '../../goldens/shared.ts';

interface Rows {
  input_ids: number[][];
  attention_mask: number[][];
  labels: number[][];
}

const [name, log] = process.argv.slice(2) as [string, string];
const ranks = await joinRanks();
const control = new CallControl();
const team = ranks ? teamOf(ranks, control) : alone(control);
const golden = readJson<CaseGolden>(`golden/${name}/golden.json`);
const { batches } = readJson<{ batches: Rows[] }>('golden/train_data.json');
await bootBackend('tensorflow');
const run = goldenRun();
const found: { loss: number; gradNorm: number }[] = [];
while (found.length < golden.steps.length) {
  const metrics = await takeStep(run);
  found.push({ loss: metrics!.loss, gradNorm: metrics!.gradNorm });
}
if (team.rank === 0) fs.writeFileSync(log, JSON.stringify(found));
if (ranks) leaveRanks(ranks);

function goldenRun(): Run {
  const { lr, weight_decay: weightDecay, clip, warmup, eps, steps } = golden.hyperparameters;
  const settings = trainSettingsSchema.parse({ steps, lr, weightDecay, clip, warmup, eps, batch: 2 });
  const base = `golden/${name.split('/')[0]}/base`;
  const checkpoint = openBaseModel(sharedPath(base));
  const adapter = loadAdapter(sharedPath(`golden/${name}/initial`), checkpoint);
  checkpoint.close();
  if (!(adapter instanceof LoraAdapter)) throw new Error(`${name} is not a LoRA`);
  const model = loadModel(sharedPath(base)).with(adapter);
  const parameters = adapter.parameters();
  const nothing = (): void => undefined;
  const used: Pick<
    Run,
    | 'engine'
    | 'settings'
    | 'data'
    | 'model'
    | 'method'
    | 'optimizer'
    | 'plan'
    | 'progress'
    | 'lrOf'
    | 'choices'
    | 'tensorLimitBytes'
    | 'team'
    | 'emit'
  > = {
    engine: 'tensorflow',
    settings,
    data: { train: batches.flatMap(rowsOf), padId: 0 } as unknown as Run['data'],
    model,
    method: { model, parameters, beforeTraining: nothing, beforeEvaluation: nothing, save: () => Promise.reject() },
    optimizer: new AdamW(parameters, { beta1: 0.9, beta2: 0.999, eps, weightDecay }),
    plan: { rowsOf: microBatchesOf } as Run['plan'],
    progress: newProgress(),
    lrOf: (step) => lr * scheduleFactor('linear', step, warmup, steps),
    choices: null,
    tensorLimitBytes: null,
    team,
    emit: nothing,
  };
  return used as Run;
}

/** Without the padding, which collate puts back. */
function rowsOf({ input_ids, attention_mask, labels }: Rows): TokenisedExample[] {
  return input_ids.map((ids, row) => {
    const length = attention_mask[row]!.reduce((a, b) => a + b, 0);
    const own = Int32Array.from(labels[row]!.slice(0, length));
    return {
      line: row,
      ids: Int32Array.from(ids.slice(0, length)),
      labels: own,
      labelled: own.filter((label) => label >= 0).length,
      fullLength: length,
      truncated: false,
      group: row,
    };
  });
}

/** Two rows of each batch that the step has used. */
function microBatchesOf(step: number): number[][] {
  const { batch, batches: several } = golden.steps[step - 1]!;
  return (several ?? [batch!]).map((i) => [2 * i, 2 * i + 1]);
}
