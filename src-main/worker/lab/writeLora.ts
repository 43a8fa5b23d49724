/** Updates of few ranks as a LoRA adapter in PEFT's format: scale 1, patterns of rank and alpha where they differ. */
import type { AdapterContent } from '../../adapters/content.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import type { BaseModel } from '../../basemodel/baseModel.ts';
import { linearModules, type ArchitectureSpec, type LinearModule } from '../../engine/model/architecture.ts';
import type { Truncated } from '../../lab/compress.ts';
import type { Update } from '../../lab/update.ts';
import { writePeftAdapter } from '../../methods/lora/peft.ts';
import type { PeftModules } from '../../methods/lora/peftLayout.ts';
import { CLASSIFIER, loraConfig, plainSettings } from '../../methods/lora/writtenConfig.ts';

export interface SmallUpdate {
  update: Pick<Update, 'name' | 'weight' | 'in' | 'out'>;
  truncated: Truncated;
}

export interface Beside {
  base: BaseModel;
  /** Of the adapter that it comes from; absent where that had none. */
  graft: GraftAdapterInfo | undefined;
  /** Biases and a classifier's head go along. */
  beside: Pick<AdapterContent, 'biases' | 'score'> & Partial<Pick<AdapterContent, 'settings' | 'replaced'>>;
}

/** `outDir`: new folder. Returns the bytes of the weights' file. Throws as writing any adapter does. */
export async function writeLora(
  outDir: string,
  updates: SmallUpdate[],
  { base, graft, beside: { biases, score, settings: from } }: Beside,
): Promise<number> {
  const modules: PeftModules = new Map(
    updates.map(({ update, truncated: { A, B, rank } }) => {
      const module = wholeModule(update, base.spec);
      const pair = {
        A: { shape: [rank, update.in] as [number, number], data: A },
        B: { shape: [update.out, rank] as [number, number], data: B },
        scale: 1,
        module,
      };
      return [module.module, pair];
    }),
  );
  const bias = from && 'bias' in from ? from.bias : undefined;
  const settings = { ...plainSettings(modules, base.spec), ...(bias ? { bias } : {}) };
  const { sizeBytes } = await writePeftAdapter(outDir, {
    config: { ...loraConfig(modules, settings, base), ...(score ? CLASSIFIER : {}) },
    modules,
    biases,
    score: score && { shape: score.shape as [number, number], data: score.data },
    ...(graft ? { graft: { ...graft, method: settings, createdAt: new Date().toISOString() } } : {}),
  });
  return sizeBytes;
}

/** PEFT adapts a fused layer as a whole. */
function wholeModule({ weight }: SmallUpdate['update'], spec: ArchitectureSpec): LinearModule {
  return linearModules(spec).find((module) => module.weight === weight.name && !module.slice)!;
}
