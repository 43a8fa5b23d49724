/** How many parameters a LoRA trains: r (in + out) for every adapted matrix (Hu et al. 2021, section 4.2). */

export interface ModelShape {
  family: string;
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  intermediate: number;
}

/** `in + out` of each target matrix of one block. */
function widths({ family, hidden, heads, kvHeads, headDim, intermediate }: ModelShape): Record<string, number> {
  if (family === 'gpt2') {
    const square = hidden + hidden;
    return { q: square, k: square, v: square, qkv: hidden + 3 * hidden, o: square, fc: hidden + intermediate, proj: intermediate + hidden };
  }
  const q = hidden + heads * headDim;
  const kv = hidden + kvHeads * headDim;
  const mlp = hidden + intermediate;
  return { q, k: kv, v: kv, o: q, gate: mlp, up: mlp, down: mlp };
}

/** Sum of r (in + out) over all blocks and chosen targets. */
export function trainableParameters(rank: number, targets: readonly string[], model: ModelShape): number {
  const width = widths(model);
  return model.layers * rank * targets.reduce((sum, target) => sum + (width[target] ?? 0), 0);
}

/** The shape inside a model's details, or undefined where they do not name every width. */
export function shapeOf(details: object): ModelShape | undefined {
  const record: Record<string, unknown> = { ...details };
  const numbers = ['layers', 'hidden', 'heads', 'kvHeads', 'headDim', 'intermediate'];
  const complete = typeof record['family'] === 'string' && numbers.every((name) => typeof record[name] === 'number');
  return complete ? (details as ModelShape) : undefined;
}
