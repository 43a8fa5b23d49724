/** Folders whose weights other programs packed (bitsandbytes, GPTQ, AWQ, FP8, MLX …), with or without saying so. */
import { GraftError } from '../../src-shared/errors.ts';
import type { ModelConfig } from '../engine/model/architecture.ts';
import type { WeightFile } from '../safetensors/read.ts';

/** What these programs write beside a packed matrix. */
const PACKING_PARTS = new RegExp(
  `\\.(${[
    'qweight|qzeros', // GPTQ, AWQ
    'absmax|nested_absmax|quant_map|quant_state\\.[\\w.]+|SCB', // bitsandbytes
    'weight_scale|weight_scale_inv|weight_packed|input_scale', // FP8, compressed-tensors
  ].join('|')})$`,
);

/** Throws CHECKPOINT_QUANTISED. */
export function refuseQuantised(dir: string, config: ModelConfig, files: WeightFile[]): void {
  const said = config['quantization_config'];
  const method =
    typeof said === 'object' && said !== null ? String(Reflect.get(said, 'quant_method') ?? 'unnamed') : undefined;
  if (method !== undefined) throw quantised(dir, `config.json names the method ${method.slice(0, 40)}`);
  for (const { tensors } of files) {
    const part = [...tensors.values()].find(
      ({ name, dtype }) => PACKING_PARTS.test(name) || (/^(F8_|[IU](8|32)$)/.test(dtype) && name.endsWith('.weight')),
    );
    if (part) throw quantised(dir, `its weights hold ${part.name} of dtype ${part.dtype}`);
  }
}

function quantised(dir: string, how: string): GraftError {
  return new GraftError(
    'CHECKPOINT_QUANTISED',
    `${dir} is a quantised checkpoint (${how}), which cannot be trained or merged exactly; download the original ` +
      'model in float32, float16 or bfloat16 that it was made from. Where memory is short, Graft packs such a base ' +
      'itself (the setting Base dtype).',
    { dir },
  );
}
