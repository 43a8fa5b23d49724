/** Where a run computes, and how its frozen base is kept there. */
import { z } from 'zod';
import { BACKENDS } from '../backends.ts';
import { BASE_DTYPES, EMBEDDING_DTYPES } from '../baseDtypes.ts';
import { defineSettings } from './setting.ts';

export const COMPUTE_SETTINGS = defineSettings({
  engine: {
    schema: z.enum(['auto', ...BACKENDS]).default('auto'),
    label: 'Engine',
    help: 'What computes. Automatic takes the graphics card where there is one, else the fastest on this machine.',
    flag: 'engine',
    value: 'NAME',
    choices: { auto: 'Automatic', tensorflow: 'TensorFlow', webgpu: 'WebGPU', wasm: 'WebAssembly' },
  },
  baseDtype: {
    schema: z.enum(BASE_DTYPES).optional(),
    label: 'Base dtype',
    help: 'How frozen linear layers are kept: half of float32 in f16 and bf16, a quarter in int8, an eighth in NF4.',
    flag: 'base-dtype',
    value: 'NAME',
    choices: { f32: 'float32', f16: 'float16', bf16: 'bfloat16', int8: 'int8', nf4: 'NF4 (QLoRA)' },
    placeholder: 'f32',
  },
  embeddingDtype: {
    schema: z.enum(EMBEDDING_DTYPES).optional(),
    label: 'Embedding dtype',
    help: 'How the frozen token embeddings and the head are kept in memory: bfloat16 takes half of it, int8 a quarter.',
    flag: 'embedding-dtype',
    value: 'NAME',
    choices: { f32: 'float32', f16: 'float16', bf16: 'bfloat16', int8: 'int8' },
    placeholder: 'f32',
  },
});
