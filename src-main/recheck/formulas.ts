/** What each method makes of a weight, one element at a time in float64, from the papers and PEFT's definitions. */

export interface Part {
  shape: number[];
  values: Float64Array;
}
export type Parts = Record<string, Part>;

/** The weight of the base: output, input. */
export type Weight = (output: number, input: number) => number;

/** Of the outputs from `firstOutput` on; a bias has one input. */
export interface Change {
  firstOutput: number;
  outputs: number;
  /** What is added to W[output][input], or what stands in its place. */
  added?: (output: number, input: number) => number;
  replaced?: (output: number, input: number, weight: Weight) => number;
  /** Rounding of what the method keeps in float32 on the way, as a share of what is added. */
  slack: number;
}

export type Formula = Omit<Change, 'firstOutput'>;

/**
 * scale: of the whole update. inputs: of the layer; inputsAreRows: whether the file has it (in, out). Undefined for
 * parts of another method.
 */
export function formulaOf(
  parts: Parts,
  scale: number,
  { inputs, inputsAreRows }: { inputs: number; inputsAreRows: boolean },
): Formula | undefined {
  if (parts['lora_A'] && parts['lora_B']) return lora(parts, scale, inputs, inputsAreRows);
  if (parts['hada_w1_a']) return loha(parts, scale);
  if (parts['lokr_w1'] || parts['lokr_w1_a']) return lokr(parts, scale);
  if (parts['ia3_l']) return ia3(parts['ia3_l'], inputs);
  if (parts['miss_block']) return miss(parts['miss_block'], inputs);
  return undefined;
}

/** sum_k left[i][k]·right[k][j]. */
function product(left: Part, right: Part): (i: number, j: number) => number {
  const [inner, width] = right.shape as [number, number];
  return (i, j) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += left.values[i * inner + k]! * right.values[k * width + j]!;
    return sum;
  };
}

/** s·BA (Hu et al. 2021); with a magnitude m·(W + s·BA)/||W + s·BA|| per output (Liu et al. 2024). */
function lora(
  { lora_A: A, lora_B: B, lora_magnitude_vector: m }: Parts,
  scale: number,
  inputs: number,
  inputsAreRows: boolean,
): Formula {
  const BA = product(B!, A!);
  const outputs = B!.shape[0]!;
  const added = (o: number, i: number): number => scale * BA(o, i);
  if (!m) return { outputs, added, slack: 0 };
  // Row by row, as the file is read: one output after the other, or all of them at once.
  const norms = new Float64Array(outputs).fill(NaN);
  const normOf = (o: number, weight: Weight): number => {
    if (Number.isNaN(norms[o]!)) {
      const some = inputsAreRows ? [...norms.keys()] : [o];
      const squares = new Float64Array(outputs);
      for (let i = 0; i < inputs; i++)
        for (const output of some) squares[output]! += (weight(output, i) + added(output, i)) ** 2;
      for (const output of some) norms[output] = Math.sqrt(squares[output]!);
    }
    return norms[o]!;
  };
  const replaced = (o: number, i: number, weight: Weight): number =>
    (m.values[o]! * (weight(o, i) + added(o, i))) / normOf(o, weight);
  return { outputs, replaced, slack: 0 };
}

/** s·(W1a·W1b)∘(W2a·W2b) (Hyeon-Woo et al. 2022). */
function loha(parts: Parts, scale: number): Formula {
  const [one, two] = [
    product(parts['hada_w1_a']!, parts['hada_w1_b']!),
    product(parts['hada_w2_a']!, parts['hada_w2_b']!),
  ];
  return { outputs: parts['hada_w1_a']!.shape[0]!, added: (o, i) => scale * one(o, i) * two(o, i), slack: 0 };
}

/** s·W1⊗W2, each whole or as a product. */
function lokr(parts: Parts, scale: number): Formula {
  const factor = (name: string): { rows: number; columns: number; at: (i: number, j: number) => number } => {
    const whole = parts[name];
    if (whole) {
      const [rows, columns] = whole.shape as [number, number];
      return { rows, columns, at: (i, j) => whole.values[i * columns + j]! };
    }
    const [a, b] = [parts[`${name}_a`]!, parts[`${name}_b`]!];
    return { rows: a.shape[0]!, columns: b.shape[1]!, at: product(a, b) };
  };
  const [w1, w2] = [factor('lokr_w1'), factor('lokr_w2')];
  return {
    outputs: w1.rows * w2.rows,
    added: (o, i) =>
      scale * w1.at(Math.floor(o / w2.rows), Math.floor(i / w2.columns)) * w2.at(o % w2.rows, i % w2.columns),
    slack: parts['lokr_w1'] ? 0 : 2 ** -22,
  };
}

/** (out, 1) scales what a layer writes, (1, in) what it reads. */
function ia3(l: Part, inputs: number): Formula {
  const isOnInput = l.shape[0] === 1 && l.shape[1] === inputs;
  return {
    outputs: l.values.length,
    replaced: (o, i, weight) => weight(o, i) * l.values[isOnInput ? i : o]!,
    slack: 0,
  };
}

/** (r, out): M[i mod r][o] is added; (out/r, r, r): the variant bat, W + W·M[a] + M[a] block by block. */
function miss({ shape, values: M }: Part, inputs: number): Formula {
  if (shape.length === 2) {
    const [r, outputs] = shape as [number, number];
    // The variant mini keeps fewer columns and repeats them.
    const added = (o: number, i: number): number => M[(i % r) * outputs + (o % outputs)]!;
    return { outputs, added, slack: 0 };
  }
  const r = shape[1]!;
  if (inputs % r !== 0) throw new Error(`blocks of ${r} do not divide ${inputs} inputs`);
  const replaced = (o: number, i: number, weight: Weight): number => {
    const [block, row, column, first] = [Math.floor(o / r) * r * r, o % r, i % r, i - (i % r)];
    let sum = weight(o, i) + M[block + row * r + column]!;
    for (let k = 0; k < r; k++) sum += weight(o, first + k) * M[block + k * r + column]!;
    return sum;
  };
  return { outputs: shape[0]! * r, replaced, slack: 0 };
}
