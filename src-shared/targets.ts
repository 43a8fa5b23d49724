/**
 * Linear layers that a low-rank method can adapt. `qkv` and `gate_up` are fused matrices as a whole; where q, k, v,
 * gate, up exist beside them, they are its parts.
 */
export const TARGETS = ['q', 'k', 'v', 'qkv', 'o', 'gate', 'up', 'gate_up', 'down', 'fc', 'proj'] as const;
export type Target = (typeof TARGETS)[number];
