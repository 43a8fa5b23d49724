/** Rules of the optimiser that differ from parameter to parameter: learning rate and weight decay. */
import type { Parameter } from '../model/parameters.ts';

export interface Rule {
  /** Factor on the learning rate. */
  lrScale: number;
  /** Whether the weight decay applies. */
  decay: boolean;
}

/**
 * What the weight decay applies to: every trained tensor, or all but biases and norm weights, as Hugging Face's Trainer
 * has it (get_decay_parameter_names). Those are the trained vectors, except for DoRA's magnitudes, which Trainer's rule
 * does not name and which therefore decay.
 */
export type WeightDecayOn = 'all' | 'matrices';

/** End of the name that a DoRA magnitude has, in PEFT as here. */
const MAGNITUDE = '.lora_magnitude_vector';

/**
 * `lrScaleOf`: factor of a method that lets some of its parameters learn faster, as LoRA+ (Hayou et al. 2024) does with
 * B. `magnitudesDecay`: false for runs from before DoRA's magnitudes did.
 */
export function rulesFor(
  weightDecayOn: WeightDecayOn,
  lrScaleOf?: (parameter: Parameter) => number,
  magnitudesDecay = true,
): (parameter: Parameter) => Rule {
  return (parameter) => ({
    lrScale: lrScaleOf?.(parameter) ?? 1,
    decay:
      weightDecayOn === 'all' || parameter.value.rank > 1 || (magnitudesDecay && parameter.name.endsWith(MAGNITUDE)),
  });
}

/** The parameters, those of like rules next to each other, in the order in which a rule first comes. */
export function groupByRule(
  parameters: Parameter[],
  ruleOf: (parameter: Parameter) => Rule,
): { rule: Rule; parameters: Parameter[] }[] {
  const groups = new Map<string, { rule: Rule; parameters: Parameter[] }>();
  for (const parameter of parameters) {
    const rule = ruleOf(parameter);
    const key = `${rule.lrScale} ${rule.decay}`;
    const group = groups.get(key);
    if (group) group.parameters.push(parameter);
    else groups.set(key, { rule, parameters: [parameter] });
  }
  return [...groups.values()];
}
