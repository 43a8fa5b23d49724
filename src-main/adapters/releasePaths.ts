/**
 * Module paths of adapters on multimodal releases. transformers 4.52 moved the text part from `language_model.model` to
 * `model.language_model`; adapters made on the text part alone have neither.
 */
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import { TEXT_PREFIX, textPartName } from '../engine/model/multimodal.ts';

/** What stands before every name of PEFT's. */
export const PEFT_PREFIX = 'base_model.model.';
const OLD = /^base_model\.model\.language_model\.(model|lm_head)\./;
const OLD_IN_TEXT = /language_model(\\*\.)model(\\*\.)/g;

/** An adapter's names and configuration as transformers has them since 4.52. */
export function withNewPaths<T>(
  configText: string | undefined,
  tensors: Map<string, T>,
): { configText?: string; tensors: Map<string, T> } {
  const asRead = configText === undefined ? {} : { configText };
  if (![...tensors.keys()].some((name) => OLD.test(name))) return { ...asRead, tensors };
  const renamed = (name: string): string =>
    OLD.test(name) ? PEFT_PREFIX + textPartName(name.slice(PEFT_PREFIX.length))! : name;
  return {
    ...(configText === undefined ? {} : { configText: configText.replace(OLD_IN_TEXT, 'model$1language_model$2') }),
    tensors: new Map([...tensors].map(([name, tensor]) => [renamed(name), tensor])),
  };
}

/** A module's path in the bare model class: `layers.0.self_attn.q_proj` for `model.layers.0.self_attn.q_proj`. */
function shortPath(path: string): string {
  return path.slice(path.indexOf('.') + 1);
}

/**
 * Ways in which an adapter's file may call the modules of a model: as PEFT does, on the bare model class (AutoModel),
 * and those of a multimodal release's text part as in a model of text alone.
 */
export function pathForms({ prefix, multimodal }: ArchitectureSpec): ((path: string) => string)[] {
  const within = (change: (path: string) => string) => (path: string) =>
    path.startsWith(prefix) ? change(path) : path;
  const alone = (path: string): string => `model.${path.slice(TEXT_PREFIX.length)}`;
  return [(path) => path, within(shortPath), ...(multimodal ? [within(alone)] : [])];
}
