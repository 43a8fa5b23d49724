/** A Llama of many wide layers whose weights are holes of a sparse file: only shapes are read of it. */
import fs from 'node:fs';
import path from 'node:path';
import { expectedTensors } from '../../src-main/basemodel/expectedTensors.ts';
import { architectureFromConfig } from '../../src-main/engine/model/architecture.ts';

/** Returns the folder. */
export function writeHollowBase(dir: string, layers: number, width: number): string {
  if (fs.existsSync(dir)) return dir;
  const config = {
    model_type: 'llama',
    num_hidden_layers: layers,
    hidden_size: width,
    num_attention_heads: 32,
    num_key_value_heads: 32,
    intermediate_size: 16,
    vocab_size: 32,
    max_position_embeddings: 128,
    torch_dtype: 'bfloat16',
  };
  const spec = architectureFromConfig(config);
  let offset = 0;
  const header: Record<string, object> = {};
  for (const { name, shape } of expectedTensors(spec, config).filter((tensor) => !tensor.optional)) {
    const start = offset;
    offset += 2 * shape.reduce((product, side) => product * side, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [start, offset] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  fs.mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'model.safetensors');
  fs.writeFileSync(file, Buffer.concat([length, text]));
  fs.truncateSync(file, 8 + text.length + offset);
  fs.writeFileSync(path.join(dir, 'config.json'), JSON.stringify(config));
  return dir;
}
