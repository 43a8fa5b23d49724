/** The settings of an adapter that was not trained here, read from its files as far as they tell them. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { AdapterContent, Cell } from '../../adapters/content.ts';
import { ADAPTER_CONFIG } from '../../adapters/files.ts';
import type { PeftAdapter } from '../../adapters/peftLora.ts';
import { byPattern, moduleRank } from '../../adapters/peftConfig.ts';
import type { StoredAdapter } from '../../adapters/storedAdapter.ts';
import { TARGETS } from '../../../src-shared/targets.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { methodSchema, type AdapterSettings, type LoraSettings } from '../../../src-shared/methodSettings.ts';

/** What graft.json says, else what configuration and tensors do. `content` is the adapter on its base `spec`. */
export function importedMethod(
  stored: StoredAdapter,
  content: AdapterContent,
  spec: ArchitectureSpec,
): AdapterSettings {
  const own = methodSchema.safeParse(stored.graft?.method);
  if (own.success && own.data.type !== 'full') return own.data;
  switch (stored.type) {
    case 'lora':
      return loraSettings(stored, cellsOf(content), spec);
    case 'lokr':
    case 'loha':
      return { type: stored.type, ...rankAndAlpha(stored.dir), ...places(cellsOf(content), spec) };
    case 'prefix':
      return { type: 'prefix', kind: 'key-value', prefixLength: stored.prompt.shape[0]!, infixLength: 0 };
    case 'own':
      return methodSchema.parse(stored.method) as AdapterSettings;
    default:
      return stored satisfies never;
  }
}

function loraSettings({ config }: PeftAdapter, cells: Cell[], spec: ArchitectureSpec): LoraSettings {
  const pattern = (all: number, of: (module: string) => number): Record<string, number> =>
    Object.fromEntries(
      cells.flatMap(({ module }) =>
        of(module.module) === all ? [] : [[`${module.layer}.${module.target}`, of(module.module)] as const],
      ),
    );
  const ranks = pattern(config.r, (module) => moduleRank(config, module));
  const alphas = pattern(config.lora_alpha, (module) => byPattern(config.alpha_pattern, module, config.lora_alpha));
  return {
    type: 'lora',
    rank: config.r,
    alpha: config.lora_alpha,
    dropout: config.lora_dropout,
    ...places(cells, spec),
    ...(Object.keys(ranks).length > 0 ? { rankPattern: ranks } : {}),
    ...(Object.keys(alphas).length > 0 ? { alphaPattern: alphas } : {}),
    ...(config.use_rslora ? { rslora: true } : {}),
    ...(config.use_dora ? { dora: true } : {}),
    ...(config.bias === 'none' ? {} : { bias: config.bias }),
    init: config.init_lora_weights === 'gaussian' ? 'gaussian' : 'kaiming',
  };
}

/** Targets in their usual order; layers only where some take no part. */
function places(cells: Cell[], spec: ArchitectureSpec): Pick<LoraSettings, 'targets' | 'layers'> {
  const found = new Set(cells.map(({ module }) => module.target));
  const layers = [...new Set(cells.map(({ module }) => module.layer))].sort((a, b) => a - b);
  return {
    targets: TARGETS.filter((target) => found.has(target)),
    ...(layers.length === spec.layers ? {} : { layers }),
  };
}

function rankAndAlpha(dir: string): { rank: number; alpha: number } {
  const { r, alpha } = z
    .looseObject({ r: z.number(), alpha: z.number() })
    .parse(JSON.parse(fs.readFileSync(path.join(dir, ADAPTER_CONFIG), 'utf8')));
  return { rank: r, alpha };
}

function cellsOf(content: AdapterContent): Cell[] {
  return content.type === 'weights' ? content.cells : [];
}
