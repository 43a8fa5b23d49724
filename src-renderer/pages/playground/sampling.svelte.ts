/** How the next token is chosen: the settings of the playground, three presets, and what is sent. */
import type { HistorySampling } from '../../lib/api.ts';

export const PRESETS = {
  greedy: {
    label: 'Greedy',
    hint: 'Always the likeliest token: the same text every time.',
    temperature: 0,
    topP: 1,
    topK: undefined,
    repetitionPenalty: 1,
  },
  balanced: {
    label: 'Balanced',
    hint: 'Sampled a little: varied, and still to the point.',
    temperature: 0.7,
    topP: 0.9,
    topK: undefined,
    repetitionPenalty: 1,
  },
  creative: {
    label: 'Creative',
    hint: 'Sampled freely, repetition held back: surprising, at times wrong.',
    temperature: 1.1,
    topP: 0.95,
    topK: undefined,
    repetitionPenalty: 1.1,
  },
} as const;
export type Preset = keyof typeof PRESETS;

const DEFAULT_MAX_NEW = 128;
/** Seeds that the page draws; small enough to be read and typed again. */
const SEEDS = 1_000_000;

export class Sampling {
  temperature = $state(0);
  topP = $state(1);
  topK = $state<number | undefined>();
  repetitionPenalty = $state(1);
  maxNew = $state<number | undefined>(DEFAULT_MAX_NEW);
  seed = $state<number | undefined>();
  /** One stop text a line; `\n` stands for a line break. */
  stop = $state('');
  /** Ask how likely each token was. */
  probabilities = $state(true);
  /** The preset that the settings are equal to, if any. */
  readonly preset = $derived(
    (Object.keys(PRESETS) as Preset[]).find((name) => {
      const { temperature, topP, topK, repetitionPenalty } = PRESETS[name];
      return (
        this.temperature === temperature &&
        this.topP === topP &&
        this.topK === topK &&
        this.repetitionPenalty === repetitionPenalty
      );
    }),
  );

  choose(preset: Preset): void {
    const { temperature, topP, topK, repetitionPenalty } = PRESETS[preset];
    Object.assign(this, { temperature, topP, topK, repetitionPenalty });
  }

  /** What is sent and kept. Without a seed of the user's a sampled text gets a new one each time. */
  input(): HistorySampling {
    const { temperature, topP, topK, repetitionPenalty, maxNew } = this;
    const seed = this.seed ?? (temperature > 0 ? Math.floor(Math.random() * SEEDS) : undefined);
    return {
      temperature,
      maxNew: maxNew ?? DEFAULT_MAX_NEW,
      stop: this.stop
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.replaceAll('\\n', '\n')),
      ...(topP < 1 ? { topP } : {}),
      ...(topK ? { topK } : {}),
      ...(repetitionPenalty === 1 ? {} : { repetitionPenalty }),
      ...(seed === undefined ? {} : { seed }),
    };
  }

  restore(kept: HistorySampling): void {
    this.temperature = kept.temperature;
    this.maxNew = kept.maxNew;
    this.topP = kept.topP ?? 1;
    this.topK = kept.topK;
    this.repetitionPenalty = kept.repetitionPenalty ?? 1;
    this.seed = kept.seed;
    this.stop = kept.stop.map((text) => text.replaceAll('\n', '\\n')).join('\n');
  }
}
