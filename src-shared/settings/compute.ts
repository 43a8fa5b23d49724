/** Where a run computes, and how its frozen base is kept there. */
import { z } from 'zod';
import { BACKENDS } from '../backends.ts';
import { BASE_DTYPES } from '../baseDtypes.ts';
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
    help: 'How the frozen base is kept in memory; all but float32 need the engine WebGPU.',
    flag: 'base-dtype',
    value: 'NAME',
    choices: { f32: 'float32', f16: 'float16', bf16: 'bfloat16', int8: 'int8', nf4: 'NF4 (QLoRA)' },
    placeholder: 'f32',
  },
});
