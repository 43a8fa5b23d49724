/** How many parameters a LoRA trains: r (in + out) for every adapted matrix (Hu et al. 2021, section 4.2). */

const TINY_PARAMETERS = 10_000_000;

export interface ModelShape {
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  intermediate: number;
}

/** `in + out` of each target matrix of one block, whichever of them a family has. */
function widths({ hidden, heads, kvHeads, headDim, intermediate }: ModelShape): Record<string, number> {
  const q = hidden + heads * headDim;
  const kv = hidden + kvHeads * headDim;
  const mlp = hidden + intermediate;
  const fused = { qkv: hidden + (heads + 2 * kvHeads) * headDim, gate_up: hidden + 2 * intermediate };
  return { q, k: kv, v: kv, o: q, gate: mlp, up: mlp, down: mlp, fc: mlp, proj: mlp, ...fused };
}

/** Sum of r (in + out) over all blocks and chosen targets. */
export function trainableParameters(rank: number, targets: readonly string[], model: ModelShape): number {
  const width = widths(model);
  return model.layers * rank * targets.reduce((sum, target) => sum + (width[target] ?? 0), 0);
}

/** A learning rate to begin with: a tiny model takes, and needs, larger steps than a real one. */
export function startingLr(parameters: number): number {
  return parameters < TINY_PARAMETERS ? 3e-3 : 2e-4;
}
