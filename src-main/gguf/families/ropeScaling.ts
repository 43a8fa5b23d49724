/** How llama.cpp is told of rotary positions that are stretched to longer texts, and which ways it knows. */
import type { ArchitectureSpec, RopeScaling } from '../../engine/model/architecture.ts';
import { float32, string, uint32, type GgufValue } from '../header.ts';

/** Linear and YaRN's: the factor is that of the positions, so that 4 means four times as long. */
export function scalingMetadata({ ropeScaling }: ArchitectureSpec): Record<string, GgufValue> {
  if (ropeScaling?.type !== 'linear' && ropeScaling?.type !== 'yarn') return {};
  return {
    'rope.scaling.type': string(ropeScaling.type),
    'rope.scaling.factor': float32(ropeScaling.factor),
    ...(ropeScaling.type === 'yarn'
      ? { 'rope.scaling.original_context_length': uint32(ropeScaling.originalMaxPositions) }
      : {}),
  };
}

/** Undefined where llama.cpp stretches the positions of `name` as the checkpoint says. knows: in which ways it can. */
export function scalingRefusal(
  { ropeScaling }: ArchitectureSpec,
  name: string,
  knows: readonly RopeScaling['type'][],
): string | undefined {
  if (!ropeScaling) return undefined;
  if (!knows.includes(ropeScaling.type))
    return `does not stretch the rotary positions of ${name} by ${ropeScaling.type}`;
  if (ropeScaling.type !== 'yarn') return undefined;
  const { factor, attentionFactor, betaFast, betaSlow, truncate } = ropeScaling;
  const isUsual =
    betaFast === 32 && betaSlow === 1 && truncate && Math.abs(attentionFactor - (0.1 * Math.log(factor) + 1)) < 1e-6;
  return isUsual ? undefined : 'computes YaRN with the usual parameters only (beta 32 and 1, mscale 1)';
}
