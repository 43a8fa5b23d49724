/** Which runs can keep their base's weights in a smaller form. */
import { usageError } from '../../../src-shared/errors.ts';
import type { BaseDtype } from '../../engine/packed/formats.ts';
import type { MethodSettings } from '../../../src-shared/methodSettings.ts';
import type { EngineName } from '../../../src-shared/workerCalls.ts';

/** Throws a usage error BASE_DTYPE where engine or method needs the base in float32; `auto` is left to its choice. */
export function checkBaseDtype(
  baseDtype: BaseDtype | undefined,
  engine: 'auto' | EngineName,
  method?: MethodSettings['type'],
): void {
  if (baseDtype === undefined || baseDtype === 'f32') return;
  if (method === 'full')
    throw usageError(
      'BASE_DTYPE',
      `Full fine-tuning changes the base's weights, so they cannot be kept as ${baseDtype}; train a LoRA ` +
        'adapter or choose the base dtype f32.',
      { baseDtype },
    );
  if (engine !== 'auto' && engine !== 'webgpu')
    throw usageError(
      'BASE_DTYPE',
      `The engine ${engine} multiplies float32 weights only, not ${baseDtype}; choose the engine webgpu or the ` +
        'base dtype f32.',
      { baseDtype, engine },
    );
}
