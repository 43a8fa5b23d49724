/** Adapters between the engine and folders on disk: PEFT's format wherever PEFT has the method, else Graft's own. */
import type { NamedTensor, NamedTensors } from '../adapters/files.ts';
import type { BaseModel } from '../basemodel/baseModel.ts';
import { outputNorms } from '../basemodel/outputNorms.ts';
import { writeOwnAdapter } from '../adapters/ownFormat.ts';
import { assertAdapterFitsBase, writePeftAdapter, type GraftAdapterInfo } from '../adapters/peftLora.ts';
import { writeLycorisAdapter } from '../adapters/peftLycoris.ts';
import { writePrefixTuning } from '../adapters/peftPrefix.ts';
import type { WrittenFile } from '../safetensors/write.ts';
import { readAdapter, type StoredAdapter } from '../adapters/storedAdapter.ts';
import type { Adapter } from './attached.ts';
import { LohaAdapter } from './loha/loha.ts';
import { LokrAdapter } from './lokr/lokr.ts';
import { LoraAdapter } from './lora/lora.ts';
import { toPeftModules } from './lora/peftLayout.ts';
import type { Parameter } from '../engine/model/parameters.ts';
import { SCORE } from '../engine/model/tensorNames.ts';
import { adapterFrom } from './adapterFrom.ts';
import { loraConfig, placesOf } from './lora/peftConfig.ts';
import type { AdapterSettings, LoraSettings } from '../../src-shared/methodSettings.ts';

/** How PEFT marks an adapter with a head of its own. */
const CLASSIFIER = { task_type: 'SEQ_CLS' as const, modules_to_save: ['classifier', 'score'] };

/**
 * Reads an adapter folder of any method onto the current backend. Throws when it is broken or belongs to another base.
 */
export function loadAdapter(dir: string, base: BaseModel): Adapter {
  return loadStored(readAdapter(dir), base);
}

/** The same from a folder that has been read. */
export function loadStored(stored: StoredAdapter, base: BaseModel): Adapter {
  return adapterFrom(assertAdapterFitsBase(stored, base), base.spec);
}

/** Writes the adapter folder, with graft.json naming the base. Throws ADAPTER_NOT_FINITE, DISK_FULL, NOT_ALLOWED. */
export async function saveAdapter(
  dir: string,
  adapter: Adapter,
  settings: AdapterSettings,
  base: BaseModel,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  const info = { ...graft, method: settings };
  if (adapter instanceof LoraAdapter && settings.type === 'lora') return saveLora(dir, adapter, settings, base, info);
  if (
    (adapter instanceof LohaAdapter || adapter instanceof LokrAdapter) &&
    (settings.type === 'loha' || settings.type === 'lokr')
  ) {
    // PEFT has both methods for whole nn.Linear layers only.
    if (adapter.cells.every(({ module }) => module.layout === 'out_in' && !module.slice))
      return saveLycoris(dir, adapter, settings, base, info);
  }
  if (settings.type === 'prefix' && settings.kind === 'key-value')
    return writePrefixTuning(dir, base.spec, await valueOf(adapter.parameters()[0]!), base.dir, info);
  return writeOwnAdapter(dir, await valuesOf(adapter.parameters()), info);
}

async function saveLora(
  dir: string,
  adapter: LoraAdapter,
  settings: LoraSettings,
  base: BaseModel,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  const modules = await toPeftModules(adapter, base.spec, ({ weight, layout }) =>
    outputNorms(base.tensors.get(weight)!, layout),
  );
  const own = await valuesOf([...adapter.overrides.values()]);
  const head = own.get(SCORE);
  own.delete(SCORE);
  const biases = new Map([...own].map(([name, { data }]) => [name, data]));
  const config = { ...loraConfig(modules, settings, base), ...(head ? CLASSIFIER : {}) };
  return writePeftAdapter(dir, {
    config,
    modules,
    biases,
    score: head && { shape: head.shape as [number, number], data: head.data },
    graft,
  });
}

async function saveLycoris(
  dir: string,
  { cells }: LohaAdapter | LokrAdapter,
  settings: Extract<AdapterSettings, { type: 'loha' | 'lokr' }>,
  base: BaseModel,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  const modules = new Map<string, NamedTensors>();
  for (const { module, parts } of cells) {
    const values = await valuesOf(Object.values(parts));
    modules.set(
      module.module,
      new Map([...values].map(([name, tensor]) => [name.slice(name.lastIndexOf('.') + 1), tensor])),
    );
  }
  const config = {
    r: settings.rank,
    alpha: settings.alpha,
    ...placesOf(
      cells.map(({ module: { module: path, peftName } }) => ({ path, peftName })),
      settings,
    ),
    base_model_name_or_path: base.dir,
    ...(settings.type === 'lokr' ? { decompose_factor: settings.factor ?? -1 } : {}),
  };
  return writeLycorisAdapter(dir, settings.type, { config, modules, graft });
}

async function valuesOf(parameters: Parameter[]): Promise<NamedTensors> {
  const entries = parameters.map(async (parameter) => [parameter.name, await valueOf(parameter)] as const);
  return new Map(await Promise.all(entries));
}

async function valueOf({ value }: Parameter): Promise<NamedTensor> {
  return { shape: value.shape, data: (await value.data()) as Float32Array };
}
