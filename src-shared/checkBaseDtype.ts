/** Which runs can keep their base's weights in a smaller form. */
import type { BaseForms } from './baseDtypes.ts';
import { usageError } from './errors.ts';
import type { RunSpec } from './runSpec.ts';
import { descriptorOf } from './methods/registry.ts';

/** Throws a usage error BASE_DTYPE where the method needs the base in float32. */
export function checkBaseDtype(
  { baseDtype = 'f32', embeddingDtype = 'f32' }: BaseForms,
  method: RunSpec['method']['type'],
): void {
  const packed = [baseDtype, embeddingDtype].find((dtype) => dtype !== 'f32');
  if (packed === undefined) return;
  const descriptor = descriptorOf(method);
  if (descriptor.wholeModel)
    throw usageError(
      'BASE_DTYPE',
      `${descriptor.name} changes the base's weights, so they cannot be kept as ${packed}; train a LoRA ` +
        'adapter or choose the base dtype and the embedding dtype f32.',
      { baseDtype, embeddingDtype },
    );
}
