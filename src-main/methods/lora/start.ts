/** How A and B begin, beyond what is drawn at random: from the base (PiSSA) or from the data (EVA, LoRA-GA). */
import * as tf from '@tensorflow/tfjs-core';
import type { LoraSettings } from '../../../src-shared/methods/lora.ts';
import { usageError } from '../../../src-shared/errors.ts';
import type { Decoder } from '../../engine/model/decoder.ts';
import { replaceValue } from '../../engine/model/parameters.ts';
import type { StartRequest } from '../method.ts';
import type { Probe, StartValues } from '../probe.ts';
import { adaptedModules, placeOf } from '../targets.ts';
import { evaStarts } from './eva.ts';
import { createLora } from './lora.ts';
import { gradientBatches, loraGaStarts } from './loraGa.ts';
import type { LoraPair } from './pair.ts';
import { startPissa } from './pissa.ts';
import { withRanks } from './ranks.ts';
import { assertResidualFits, startFrom, type Start } from './residualStart.ts';

interface LoraStart {
  pairs: LoraPair[];
  /** With the ranks that the start has chosen. */
  settings: LoraSettings;
  /** Where B is not zero and the base has become a residual: what A and B began as. */
  starts?: Start[];
}

/** Settings of the same shapes that need neither the base's values nor data; for EVA with the ranks asked for. */
export function plainStart(settings: LoraSettings): LoraSettings {
  return settings.init === 'gaussian' ? settings : { ...settings, init: 'kaiming' };
}

/**
 * Pairs as the settings start them; without a probe, where nothing is trained, EVA and LoRA-GA as Kaiming. Throws
 * PISSA_NEEDS_F32, METHOD_CLASH.
 */
export async function startLora(model: Decoder, settings: LoraSettings, request: StartRequest): Promise<LoraStart> {
  const { seed, probe } = request;
  if (settings.init === 'eva' && probe) return startEva(model, settings, probe, request);
  const { pairs } = createLora(model.spec, settings, seed);
  if (settings.init === 'pissa') return { pairs, settings, starts: await startPissa(pairs, model, seed) };
  if (settings.init !== 'lora-ga' || !probe) return { pairs, settings };
  return { pairs, settings, starts: await startLoraGa(model, pairs, probe, request) };
}

async function startEva(
  model: Decoder,
  settings: LoraSettings,
  probe: Probe,
  { seed, kept }: StartRequest,
): Promise<LoraStart> {
  const adapted = adaptedModules(model.spec, settings);
  const name = (place: string): string => `${place}.lora_A`;
  const known = kept?.read();
  const values: StartValues =
    known ??
    new Map(
      [...(await evaStarts(model, adapted, probe, { rho: settings.evaRho ?? 1, seed }))].flatMap(
        ([place, { rank, A }]) => (rank > 0 ? [[name(place), { shape: [rank, A.length / rank], data: A }]] : []),
      ),
    );
  if (!known) await kept?.write(values);
  const ranks = new Map(
    adapted.map(({ module }) => [placeOf(module), values.get(name(placeOf(module)))?.shape[0] ?? 0]),
  );
  const own = withRanks(settings, adapted, ranks);
  const { pairs } = createLora(model.spec, own, seed);
  for (const { A } of pairs) {
    const { shape, data } = values.get(A.name)!;
    replaceValue(A, tf.tensor2d(data, shape as [number, number]));
  }
  return { pairs, settings: own };
}

async function startLoraGa(
  model: Decoder,
  pairs: LoraPair[],
  probe: Probe,
  { seed, labels, kept }: StartRequest,
): Promise<Start[]> {
  if (labels)
    throw usageError(
      'METHOD_CLASH',
      'LoRA-GA starts from gradients of the next token, which a run that classifies texts does not have; choose ' +
        'another start.',
    );
  assertResidualFits(pairs, model, 'LoRA-GA');
  const known = kept?.read();
  const starts = known
    ? pairs.map(({ A, B }) => ({ A: known.get(A.name)!.data, B: known.get(B.name)!.data }))
    : await loraGaStarts(model, pairs, gradientBatches(probe), { seed, onBatch: probe.onBatch });
  if (!known) await kept?.write(valuesOf(pairs, starts));
  for (const [i, pair] of pairs.entries())
    startFrom(pair, starts[i]!, model.inUse(pair.module.layer, pair.module.target));
  return starts;
}

function valuesOf(pairs: LoraPair[], starts: Start[]): StartValues {
  return new Map(
    pairs.flatMap(({ A, B }, i) => [
      [A.name, { shape: A.value.shape, data: starts[i]!.A }] as const,
      [B.name, { shape: B.value.shape, data: starts[i]!.B }] as const,
    ]),
  );
}
