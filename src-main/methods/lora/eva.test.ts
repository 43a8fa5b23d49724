/** EVA's components, ranks and stopping against PEFT and an exact decomposition by the same rules. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel, readJson, readTensors, toBatch } from '../../../test-support/goldens/goldens.ts';
import { hasShared, sharedPath, skipNote } from '../../../test-support/goldens/shared.ts';
import type { Target } from '../../../src-shared/targets.ts';
import { bootBackend } from '../../engine/backends/backends.ts';
import { availableTargets } from '../../engine/model/architecture.ts';
import { adaptedModules, placeOf } from '../targets.ts';
import { evaStarts } from './eva.ts';

interface Golden {
  eva: { modules: Record<string, { rank: number; batches_seen: number }> };
}

beforeAll(async () => void (await bootBackend('tensorflow')));

function targetsOf(model: string, name: string, available: Target[]): Target[] {
  if (name === 'eva_qv') return model === 'gpt2' ? ['qkv'] : ['q', 'v'];
  return available.filter((target) => model === 'llama' || !['q', 'k', 'v'].includes(target));
}

describe.skipIf(!hasShared('golden'))(`against PEFT${skipNote('golden')}`, () => {
  it.each([
    ['llama', 'eva_qv'],
    ['llama', 'eva_rho2'],
    ['gpt2', 'eva'],
    ['gpt2', 'eva_rho2'],
  ] as const)(
    '%s/%s: the same ranks, and the same rows up to the randomness of its decomposition',
    async (modelName, name) => {
      const model = loadModel(sharedPath(`golden/${modelName}/base`));
      const { batches } = readJson<{ batches: Parameters<typeof toBatch>[0][] }>('golden/train_data.json');
      const targets = targetsOf(modelName, name, availableTargets(model.spec));
      const adapted = adaptedModules(model.spec, { targets, rank: 4 });
      const probe = { batch: (index: number) => toBatch(batches[index % 8]!) };
      const starts = await evaStarts(model, adapted, probe, { rho: name === 'eva_rho2' ? 2 : 1, seed: 1 });
      model.dispose();
      const golden = readJson<Golden>(`golden/${modelName}/${name}/golden.json`).eva.modules;
      const exact = readTensors(`golden/${modelName}/${name}/eva_exact.safetensors`);
      for (const { module } of adapted) {
        const { rank, A } = starts.get(placeOf(module))!;
        expect(rank, module.module).toBe(golden[module.module]?.rank ?? 0);
        const want =
          exact.get(`${module.module}.exact_until_converged`) ?? exact.get(`${module.module}.exact_incremental`);
        for (let i = 0; i < rank; i++) {
          const at = i * module.inFeatures;
          let cosine = 0;
          for (let j = 0; j < module.inFeatures; j++) cosine += A[at + j]! * want!.values[at + j]!;
          expect(cosine, `${module.module}, row ${i}`).toBeGreaterThan(0.9999);
        }
      }
    },
  );
});
