/** Whether every field of a config.json is accounted for: read, without meaning here, or named. */
import { architectureFromConfig, type ModelConfig } from '../engine/model/architecture.ts';
import { isMultimodal, SHARED_FIELDS, textPartOf } from '../engine/model/multimodal.ts';

/** About the file, training, generating and other tasks: whatever they say, the model computes the same. */
const WITHOUT_MEANING = new Set(
  `
  _attn_implementation _attn_implementation_autoset _attn_implementation_internal _commit_hash _name_or_path
  architectures attn_implementation auto_map cache_implementation dtype finetuning_task name_or_path
  tokenizer_class torch_dtype torchscript transformers_version transformers.js_config unsloth_fixed unsloth_version
  use_cache is_llama_config full_attn_mod interpolate_factor
  attention_dropout attention_probs_dropout_prob attn_pdrop classifier_dropout embd_dropout embd_pdrop
  gradient_checkpointing hidden_dropout hidden_dropout_prob initializer_range layerdrop mlp_dropout resid_pdrop
  pretraining_tp reorder_and_upcast_attn chunk_size_feed_forward
  bad_words_ids begin_suppress_tokens decoder_start_token_id diversity_penalty do_sample early_stopping
  encoder_no_repeat_ngram_size exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id
  length_penalty max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences
  output_attentions output_hidden_states output_scores pad_token_id remove_invalid_values repetition_penalty
  return_dict return_dict_in_generate sep_token_id suppress_tokens temperature top_k top_p typical_p unk_token_id
  id2label label2id num_labels problem_type prefix task_specific_params summary_activation summary_first_dropout
  summary_proj_to_labels summary_type summary_use_proj
  cross_attention_hidden_size is_decoder pruned_heads tie_encoder_decoder n_ctx original_max_position_embeddings
  `
    .trim()
    .split(/\s+/),
);

/** Read for some of the tensors only (expectedTensors.ts), or only where another field says so. */
const READ_ELSEWHERE = new Set(
  'attention_bias mlp_bias tie_word_embeddings sliding_window use_sliding_window max_window_layers'.split(' '),
);

/** Of a multimodal release, beside what is about its text part. */
const OTHER_PARTS = new Set([
  'model_type',
  'text_config',
  'vision_config',
  'mm_tokens_per_image',
  ...['boi', 'eoi', 'image'].flatMap((name) => [`${name}_token_index`, `${name}_token_id`]),
  ...SHARED_FIELDS,
]);

/** Names of the fields that are neither read nor known to be without meaning; null counts as absent. */
export function unknownFields(config: ModelConfig): string[] {
  if (!isMultimodal(config)) return unknownIn(config);
  return [
    ...Object.keys(config).filter((field) => !OTHER_PARTS.has(field) && !WITHOUT_MEANING.has(field)),
    ...unknownIn(textPartOf(config)).map((field) => `text_config.${field}`),
  ];
}

function unknownIn(config: ModelConfig): string[] {
  const read = new Set<string>();
  const watched = new Proxy(config, {
    get(target, field: string) {
      read.add(field);
      return target[field];
    },
  });
  architectureFromConfig(watched);
  return Object.keys(config).filter(
    (field) => config[field] !== null && !read.has(field) && !WITHOUT_MEANING.has(field) && !READ_ELSEWHERE.has(field),
  );
}
