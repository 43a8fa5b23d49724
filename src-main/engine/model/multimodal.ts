/**
 * Multimodal releases, of which the text part is run: config.json holds its fields in `text_config`, and its tensors
 * stand below `model.language_model.` since transformers 4.52, and below `language_model.model.` in older files.
 */
import type { Family, ModelConfig } from './spec.ts';

const TEXT_PARTS: Record<string, Family> = { gemma3: 'gemma3_text' };

export const MULTIMODAL_TYPES = Object.keys(TEXT_PARTS);

export const TEXT_PREFIX = 'model.language_model.';
const OLD_PREFIX = 'language_model.model.';
const OLD_HEAD = 'language_model.lm_head.';

export function isMultimodal({ model_type: type }: ModelConfig): boolean {
  return typeof type === 'string' && Object.hasOwn(TEXT_PARTS, type);
}

/** What a release says once for all of its parts. */
export const SHARED_FIELDS = ['bos_token_id', 'eos_token_id', 'pad_token_id', 'tie_word_embeddings'];

/** config.json of the text part; that of a model which has no other parts as it is. */
export function textPartOf(config: ModelConfig): ModelConfig {
  if (!isMultimodal(config)) return config;
  const text = config['text_config'];
  const shared = SHARED_FIELDS.filter((field) => field in config).map((field) => [field, config[field]]);
  return {
    ...(Object.fromEntries(shared) as ModelConfig),
    ...(typeof text === 'object' && text !== null ? (text as ModelConfig) : {}),
    model_type: TEXT_PARTS[String(config['model_type'])],
  };
}

/** The name that transformers has had for a tensor or module of the text part since 4.52; undefined for other parts. */
export function textPartName(name: string): string | undefined {
  if (name.startsWith(OLD_PREFIX)) return TEXT_PREFIX + name.slice(OLD_PREFIX.length);
  if (name.startsWith(OLD_HEAD)) return `lm_head.${name.slice(OLD_HEAD.length)}`;
  return name.startsWith(TEXT_PREFIX) || name.startsWith('lm_head.') ? name : undefined;
}

/** How the files of a release call the head, old and new. */
export const HEAD_NAMES = ['lm_head.weight', `${OLD_HEAD}weight`];
