/** Prefix tuning in PEFT's format: one tensor `prompt_embeddings` (P, L·2·K·D), keys and values of every layer. */
import { z } from 'zod';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { adapterWeightsError, writeAdapterFile, type AdapterFile, type NamedTensor } from '../../adapters/files.ts';
import type { GraftAdapterInfo } from '../../adapters/graftInfo.ts';
import { peftConfig, PEFT_VERSION } from '../../adapters/peft.ts';
import type { WrittenFile } from '../../safetensors/write.ts';

export const PROMPT = 'prompt_embeddings';

const configSchema = z.looseObject({
  num_virtual_tokens: z.number().int().min(1),
  num_transformer_submodules: z.literal(1).nullish(),
});

/** (P, L·2·K·D). Throws GraftError PEFT_CONFIG or PEFT_WEIGHTS. */
export function promptOf(file: AdapterFile): NamedTensor {
  const { weightsFile, tensors } = file;
  const { num_virtual_tokens: count } = peftConfig(file, configSchema);
  const prompt = tensors.get(PROMPT);
  if (!prompt || tensors.size > 1) throw adapterWeightsError(weightsFile, 'the file', `does not hold ${PROMPT} alone`);
  if (prompt.shape.length !== 2 || prompt.shape[0] !== count)
    throw adapterWeightsError(
      weightsFile,
      PROMPT,
      `has shape [${prompt.shape.join(', ')}], but adapter_config.json says ${count} virtual tokens`,
    );
  return prompt;
}

/** adapter_config.json with every field that PEFT 0.20.0 writes, in its (alphabetic) order. */
function fullPrefixConfig(
  { layers, kvHeads, headDim }: ArchitectureSpec,
  virtualTokens: number,
  basePath: string | null,
): Record<string, unknown> {
  const width = kvHeads * headDim;
  return {
    auto_mapping: null,
    base_model_name_or_path: basePath,
    encoder_hidden_size: width,
    inference_mode: true,
    init_weights: null,
    modules_to_save: null,
    num_attention_heads: kvHeads,
    num_layers: layers,
    num_transformer_submodules: 1,
    num_virtual_tokens: virtualTokens,
    peft_type: 'PREFIX_TUNING',
    peft_version: PEFT_VERSION,
    prefix_projection: false,
    revision: null,
    task_type: 'CAUSAL_LM',
    token_dim: width,
  };
}

/** Writes a folder that PEFT loads as it is. Throws as writeAdapterFile. */
export async function writePrefixTuning(
  dir: string,
  spec: ArchitectureSpec,
  prompt: NamedTensor,
  basePath: string | null,
  graft: GraftAdapterInfo,
): Promise<WrittenFile> {
  return writeAdapterFile(dir, {
    config: fullPrefixConfig(spec, prompt.shape[0]!, basePath),
    tensors: new Map([[PROMPT, prompt]]),
    graft,
  });
}
