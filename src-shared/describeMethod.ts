/** A method's settings in a few words, for lists. */
import type { AdapterLayersSettings, LoraSettings, MethodSettings, PrefixSettings } from './methodSettings.ts';

export interface MethodText {
  /** `DoRA`. */
  name: string;
  /** `rank 8, alpha 16, q, v`; empty where there is nothing to choose. */
  details: string;
}

/** Settings of before, which lack the newer fields, read as what they were. */
export function describeMethod(settings: MethodSettings): MethodText {
  switch (settings.type) {
    case 'lora':
      return { name: loraName(settings), details: [...lowRank(settings), ...loraDetails(settings)].join(', ') };
    case 'lokr':
      return {
        name: 'LoKr',
        details: [...lowRank(settings), ...(settings.factor ? [`factor ${settings.factor}`] : [])].join(', '),
      };
    case 'loha':
      return { name: 'LoHa', details: lowRank(settings).join(', ') };
    case 'full':
      return { name: 'Full fine-tuning', details: layersText(settings.layers).join(', ') };
    case 'bitfit':
      return { name: 'BitFit', details: '' };
    case 'adapter':
      return {
        name: ADAPTER_NAMES[settings.kind],
        details: [
          `bottleneck ${settings.bottleneck}`,
          ...(settings.skipLayers ? [`lowest ${settings.skipLayers} skipped`] : []),
        ].join(', '),
      };
    case 'prefix':
      return { name: PREFIX_NAMES[settings.kind], details: prefixDetails(settings) };
    default:
      return settings satisfies never;
  }
}

const ADAPTER_NAMES: Record<AdapterLayersSettings['kind'], string> = {
  houlsby: 'Adapter layers (Houlsby)',
  lin: 'Adapter layers (Lin)',
  pfeiffer: 'Adapter layers (Pfeiffer)',
};
const PREFIX_NAMES: Record<PrefixSettings['kind'], string> = {
  embedding: 'Prefix-embedding',
  layer: 'Prefix-layer',
  'key-value': 'Prefix tuning',
};

function loraName({ dora, rslora, init }: LoraSettings): string {
  const kind = dora ? 'DoRA' : init === 'pissa' ? 'PiSSA' : 'LoRA';
  return rslora ? `rs${kind}` : kind;
}

function loraDetails({ rankPattern, alphaPattern, bias, loraPlusRatio }: LoraSettings): string[] {
  const pattern = (name: string, values: Record<string, number> | undefined): string[] =>
    Object.entries(values ?? {}).map(([key, value]) => `${name} ${value} on ${key}`);
  return [
    ...pattern('rank', rankPattern),
    ...pattern('alpha', alphaPattern),
    ...(bias && bias !== 'none' ? [bias === 'all' ? 'all biases' : 'biases of adapted layers'] : []),
    ...(loraPlusRatio ? [`LoRA+ ${loraPlusRatio}`] : []),
  ];
}

function lowRank({
  rank,
  alpha,
  targets,
  layers,
  exclude,
}: {
  rank: number;
  alpha: number;
  targets: string[];
  layers?: number[] | undefined;
  exclude?: string[] | undefined;
}): string[] {
  return [
    `rank ${rank}`,
    `alpha ${alpha}`,
    targets.join(' '),
    ...layersText(layers),
    ...(exclude ? [`without ${exclude.join(' ')}`] : []),
  ];
}

function layersText(layers: number[] | undefined): string[] {
  if (!layers) return [];
  return [`${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(' ')}`];
}

function prefixDetails({ prefixLength, infixLength }: PrefixSettings): string {
  return infixLength > 0 ? `${prefixLength} in front, ${infixLength} before the answer` : `${prefixLength} tokens`;
}
