/** What the targets are, for the heads of the picture. */
// @wc-include
export const TARGET_NAMES: Record<string, string> = {
  q: 'query',
  k: 'key',
  v: 'value',
  qkv: 'query, key, value in one',
  o: 'attention output',
  gate: 'MLP gate',
  up: 'MLP up',
  gate_up: 'MLP gate and up in one',
  down: 'MLP down',
  fc: 'MLP in',
  proj: 'MLP out',
};
