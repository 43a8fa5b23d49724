/**
 * Linear layers that a low-rank method can adapt. `qkv` and `gate_up` are fused matrices as a whole; where q, k, v,
 * gate, up exist beside them, they are its parts.
 */
export const TARGETS = ['q', 'k', 'v', 'qkv', 'o', 'gate', 'up', 'gate_up', 'down', 'fc', 'proj'] as const;
export type Target = (typeof TARGETS)[number];

/** A fused matrix and the parts that cannot be adapted beside it. */
export const FUSED: Record<string, readonly string[]> = { qkv: ['q', 'k', 'v'], gate_up: ['gate', 'up'] };

/** All linear layers that can be adapted together: parts rather than the fused matrix they make up. */
export function everyTarget<T extends string>(available: readonly T[]): T[] {
  return available.filter((target) => !FUSED[target]?.some((part) => (available as readonly string[]).includes(part)));
}
