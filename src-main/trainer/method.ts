/** Attaching a method's trainable parameters to a model, and writing what they have become. */
import path from 'node:path';
import type { Checkpoint } from '../checkpoints/checkpoint.ts';
import { rewriteCheckpoint } from '../checkpoints/rewrite.ts';
import { createLora } from '../engine/methods/lora.ts';
import { loraModules } from '../engine/methods/loraTargets.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import type { Decoder } from '../engine/model/decoder.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import { Random } from '../engine/random.ts';
import { saveAdapter } from './adapterFolder.ts';
import type { MethodSettings, RunSpec } from './protocol.ts';

export interface AttachedMethod {
  parameters: Parameter[];
  /** Called before the forward pass of a training micro-batch; `place` names it uniquely within the run. */
  beforeTraining(place: string): void;
  /** Called before evaluation. */
  beforeEvaluation(): void;
  /** Writes the result folder, whole or not at all. */
  save(): Promise<{ sha256: string; sizeBytes: number }>;
}

/** Throws where the method's settings do not fit the model, before anything is loaded. */
export function checkMethod(spec: ArchitectureSpec, method: MethodSettings): void {
  if (method.type === 'lora') loraModules(spec, method.targets, method.rank);
}

export function attachMethod(model: Decoder, run: RunSpec, base: Checkpoint): AttachedMethod {
  const { method } = run;
  switch (method.type) {
    case 'lora': {
      const adapter = createLora(model.spec, method, run.train.seed);
      model.adapter = adapter;
      return {
        parameters: adapter.parameters(),
        beforeTraining: (place) => {
          adapter.dropout = method.dropout > 0 ? { rate: method.dropout, random: Random.stream(run.train.seed, `dropout ${place}`) } : null;
        },
        beforeEvaluation: () => (adapter.dropout = null),
        save: () => saveAdapter(run.outDir, adapter, method, { spec: base.spec, name: base.dir }, graftInfo(run, method)),
      };
    }
    case 'full':
      model.frozen = false;
      return {
        parameters: [...model.weights.values()],
        beforeTraining: () => undefined,
        beforeEvaluation: () => undefined,
        save: () => saveWholeModel(model, run, base),
      };
    default:
      return method satisfies never;
  }
}

function graftInfo(run: RunSpec, method: Extract<MethodSettings, { type: 'lora' }>): Parameters<typeof saveAdapter>[4] {
  return {
    format: 1,
    baseHash: run.model.hash,
    baseName: path.basename(run.model.dir),
    task: run.task,
    runId: run.runId,
    targets: method.targets,
    rank: method.rank,
    alpha: method.alpha,
    createdAt: new Date().toISOString(),
  };
}

/** The base's folder with every weight replaced by its trained value. */
async function saveWholeModel(model: Decoder, run: RunSpec, base: Checkpoint): Promise<{ sha256: string; sizeBytes: number }> {
  const trained = new Map<string, Float32Array>();
  for (const { name, value } of model.weights.values()) trained.set(name, (await value.data()) as Float32Array);
  return rewriteCheckpoint({
    checkpoint: base,
    outDir: run.outDir,
    edit: ({ name }) => {
      const values = trained.get(name);
      const width = model.weights.get(name)?.value.shape.slice(1).reduce((a, b) => a * b, 1) ?? 0;
      return values && ((rows, startRow) => void rows.set(values.subarray(startRow * width, startRow * width + rows.length)));
    },
  });
}
