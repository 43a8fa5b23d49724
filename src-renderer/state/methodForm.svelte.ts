/** The fine-tuning method of a run that is about to start, with the defaults filled in. */
import type { BaseModel, StartRun } from '../api.ts';

export type Method = StartRun['method'];
export type MethodType = Method['type'];
type Lora = Extract<Method, { type: 'lora' }>;
type Prefix = Extract<Method, { type: 'prefix' }>;
type AdapterLayers = Extract<Method, { type: 'adapter' }>;

/** What each method is, in a line. */
export const METHODS: Record<MethodType, { name: string; line: string }> = {
  lora: { name: 'LoRA', line: 'Two thin matrices beside each chosen one: small, fast, and merged without a trace.' },
  loha: { name: 'LoHa', line: 'Two low-rank updates multiplied element by element: a higher rank from as few parameters.' },
  lokr: { name: 'LoKr', line: 'The update is a Kronecker product: very few parameters.' },
  adapter: { name: 'Adapter layers', line: 'Small layers behind attention and MLP; they stay in the model, so answers get a little slower.' },
  prefix: { name: 'Prefix', line: 'Trained tokens in front of every text; the weights stay as they are.' },
  bitfit: { name: 'BitFit', line: 'Only the biases are trained, where the model has any.' },
  full: { name: 'Full fine-tuning', line: 'Every weight: the most memory, and a whole new model as the result.' },
};

/** Methods that have a rank and adapt chosen matrices. */
const WITH_TARGETS: MethodType[] = ['lora', 'loha', 'lokr'];

export class MethodForm {
  type = $state<MethodType>('lora');
  rank = $state<number | undefined>(8);
  alpha = $state<number | undefined>(16);
  dropout = $state<number | undefined>(0);
  targets = $state<string[]>(['q', 'v']);
  dora = $state(false);
  rslora = $state(false);
  init = $state<NonNullable<Lora['init']>>('kaiming');
  kind = $state<NonNullable<AdapterLayers['kind']>>('houlsby');
  bottleneck = $state<number | undefined>(16);
  skipLayers = $state<number | undefined>(0);
  prefixKind = $state<NonNullable<Prefix['kind']>>('key-value');
  prefixLength = $state<number | undefined>(8);
  infixLength = $state<number | undefined>(0);
  #model: () => BaseModel | undefined;

  readonly available = $derived.by(() => this.#model()?.targets ?? []);
  /** Only targets that this model has: the choice outlives a change of model. */
  readonly chosen = $derived(this.targets.filter((target) => this.available.includes(target)));
  readonly hasTargets = $derived(WITH_TARGETS.includes(this.type));
  readonly complete = $derived(!this.hasTargets || this.chosen.length > 0);

  /** model: the base model that is chosen at the moment. */
  constructor(model: () => BaseModel | undefined) {
    this.#model = model;
  }

  toggle(target: string, on: boolean): void {
    this.targets = on ? [...this.targets, target] : this.targets.filter((other) => other !== target);
  }

  /** What the router's schema checks; an empty number box is left to the schema's default. */
  settings(): Method {
    const { rank, alpha, dropout, bottleneck, skipLayers, prefixLength } = this;
    const targets = this.chosen as Targets;
    switch (this.type) {
      case 'lora':
        return { type: 'lora', rank, alpha, dropout, targets, init: this.init, ...(this.dora ? { dora: true } : {}), ...(this.rslora ? { rslora: true } : {}) };
      case 'loha':
      case 'lokr':
        return { type: this.type, rank, alpha, targets };
      case 'adapter':
        return { type: 'adapter', kind: this.kind, bottleneck, skipLayers };
      case 'prefix':
        return { type: 'prefix', kind: this.prefixKind, prefixLength, infixLength: this.prefixKind === 'key-value' ? 0 : this.infixLength };
      case 'bitfit':
      case 'full':
        return { type: this.type };
      default:
        return this.type satisfies never;
    }
  }
}

/** The details name targets as text; the schema checks each one. */
type Targets = Lora['targets'];
