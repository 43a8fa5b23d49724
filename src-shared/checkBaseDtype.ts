/** Which runs can keep their base's weights in a smaller form. */
import { usageError } from './errors.ts';
import type { RunSpec } from './runSpec.ts';
import { descriptorOf } from './methods/registry.ts';

/** Throws a usage error BASE_DTYPE where engine or method needs the base in float32; `auto` is left to its choice. */
export function checkBaseDtype(
  baseDtype: RunSpec['baseDtype'],
  engine: RunSpec['engine'],
  method?: RunSpec['method']['type'],
): void {
  if (baseDtype === undefined || baseDtype === 'f32') return;
  const descriptor = method && descriptorOf(method);
  if (descriptor?.wholeModel)
    throw usageError(
      'BASE_DTYPE',
      `${descriptor.name} changes the base's weights, so they cannot be kept as ${baseDtype}; train a LoRA ` +
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
