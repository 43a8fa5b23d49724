/** Whether an adapter's folder holds what runtimes besides PEFT mean by a LoRA. */
import path from 'node:path';
import { readForeignText } from '../files/foreignFile.ts';
import { parseJson } from '../files/parseJson.ts';
import { ADAPTER_CONFIG } from './files.ts';

/** Two factors a matrix and no more: no DoRA, no biases, no tensors of the base. False where nobody can tell. */
export function isPlainLora(dir: string): boolean {
  const config = configIn(dir);
  return (
    config['peft_type'] === 'LORA' &&
    config['use_dora'] !== true &&
    config['lora_bias'] !== true &&
    (config['bias'] ?? 'none') === 'none' &&
    !config['modules_to_save'] &&
    !config['trainable_token_indices']
  );
}

function configIn(dir: string): Record<string, unknown> {
  try {
    const json = parseJson(readForeignText(path.join(dir, ADAPTER_CONFIG)));
    return 'value' in json ? ((json.value ?? {}) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
