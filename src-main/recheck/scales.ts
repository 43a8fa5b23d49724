/** By what the update of an adapted layer is multiplied: PEFT's settings and PEFT's defaults, read once more. */
import vm from 'node:vm';
import { RE2JS } from 're2js';
import type { Parts } from './formulas.ts';

export type Settings = Record<string, unknown>;

/** PEFT's for `r`, for LoRA's `lora_alpha`, and for `alpha` of LoHa and LoKr. */
const DEFAULT = 8;

/** alpha/r of a layer, or alpha/sqrt(r), from the fields of adapter_config.json. Null is the same as absent. */
export function scalesOf(settings: Settings): (place: string, parts: Parts) => number {
  const [rankOf, alphaOf] = [settings['rank_pattern'], settings['alpha_pattern']].map(valueByPattern);
  return (place, parts) => {
    if (parts['ia3_l'] || parts['miss_block']) return 1;
    const isLora = parts['lora_A'] !== undefined;
    const held = (parts['lora_A'] ?? parts['hada_w1_b'])?.shape[0];
    const rank = held ?? rankOf!(place) ?? Number(settings['r'] ?? DEFAULT);
    const alpha = alphaOf!(place) ?? Number(settings[isLora ? 'lora_alpha' : 'alpha'] ?? DEFAULT);
    return isLora && settings['use_rslora'] === true ? alpha / Math.sqrt(rank) : alpha / rank;
  };
}

/** That of the first pattern which fits, as in PEFT's get_pattern_key. */
function valueByPattern(patterns: unknown): (place: string) => number | undefined {
  const entries = Object.entries((patterns ?? {}) as Record<string, number>);
  const matchers = entries.map(([pattern, value]) => ({ fits: endMatcher(pattern), value }));
  return (place) => matchers.find(({ fits }) => fits(place))?.value;
}

/** Whether a pattern fits the end of a path from a dot on. Strangers write patterns, so none may run without an end. */
function endMatcher(pattern: string): (place: string) => boolean {
  // A name or a path, as nearly all are; nothing in it repeats.
  if (/^[\w.]+$/.test(pattern)) return (place) => isEnd(pattern, place);
  const source = `^(.*\\.)?(${pattern})$`;
  try {
    const linear = RE2JS.compile(source);
    return (place) => linear.matcher(place).find();
  } catch {
    // Look-around and back-references, which Python's re has and RE2 has not.
    return (place) => fitsInTime(pattern, source, place);
  }
}

/** A dot stands for any character. A table may hold thousands of names, or one of a megabyte: none is compiled. */
function isEnd(name: string, place: string): boolean {
  const start = place.length - name.length;
  if (start < 0 || (start > 0 && place[start - 1] !== '.')) return false;
  return [...name].every((character, i) => character === '.' || character === place[start + i]);
}

const DEADLINE_MS = 500;
const context = vm.createContext({});
const test = new vm.Script('new RegExp(source).test(place)');

function fitsInTime(pattern: string, source: string, place: string): boolean {
  Object.assign(context, { source, place });
  try {
    return test.runInContext(context, { timeout: DEADLINE_MS }) === true;
  } catch {
    throw new Error(`the pattern ${JSON.stringify(pattern)} of adapter_config.json cannot be matched with ${place}`);
  }
}
