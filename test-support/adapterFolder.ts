/** A small LoRA adapter folder of the starter model, as Python PEFT would write it: without graft.json. */
import { writePeftAdapter, type LoraPair } from '../src-main/adapters/peftLora.ts';
import { pair } from './folders.ts';

interface Sizes {
  /** Width of the residual stream that the adapter expects; the starter model has 96. */
  hidden: number;
}

/** Rank 2, alpha 4 on q_proj of the first layer. Returns the folder. */
export async function writeStarterAdapter(dir: string, { hidden }: Sizes): Promise<string> {
  const modules = new Map<string, LoraPair>([['model.layers.0.self_attn.q_proj', pair(hidden, hidden, 2)]]);
  const config = {
    r: 2,
    lora_alpha: 4,
    lora_dropout: 0,
    target_modules: ['q_proj'],
    fan_in_fan_out: false,
    base_model_name_or_path: null,
  };
  await writePeftAdapter(dir, { config, modules });
  return dir;
}
