/** Sums over long float64 vectors. A matrix is an array of its columns here, so that each column is one such vector. */

/** Four sums that do not wait for each other: a third of the time of a single one. */
export function dot(a: Float64Array, b: Float64Array): number {
  let [s, t, u, v] = [0, 0, 0, 0];
  const whole = a.length - (a.length % 4);
  for (let i = 0; i < whole; i += 4) {
    s += a[i]! * b[i]!;
    t += a[i + 1]! * b[i + 1]!;
    u += a[i + 2]! * b[i + 2]!;
    v += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < a.length; i++) s += a[i]! * b[i]!;
  return s + t + (u + v);
}

/** to += factor·from. */
export function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] = to[i]! + factor * from[i]!;
}

export function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

/** Columns of a matrix that is stored row by row. */
export function columnsOf(values: ArrayLike<number>, rows: number, width: number): Float64Array[] {
  return Array.from({ length: width }, (_, j) => {
    const column = new Float64Array(rows);
    for (let i = 0; i < rows; i++) column[i] = values[i * width + j]!;
    return column;
  });
}

/** Columns of the transpose: the rows of the matrix. */
export function transposed(columns: Float64Array[], rows: number): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => Float64Array.from(columns, (column) => column[i]!));
}

/** A·B: columns of A combined by the entries of each column of B. */
export function product(A: Float64Array[], rows: number, B: Float64Array[]): Float64Array[] {
  return B.map((column) => {
    const sum = new Float64Array(rows);
    addCombined(sum, A, column);
    return sum;
  });
}

/** sum += A·factors. */
export function addCombined(sum: Float64Array, A: Float64Array[], factors: Float64Array): void {
  let k = 0;
  for (; k + 4 <= factors.length; k += 4) addFour(sum, A, factors, k);
  for (; k < factors.length; k++) addScaled(sum, A[k]!, factors[k]!);
}

/** sum += columns k to k + 3 of A by their factors, in one pass over the sum. */
function addFour(sum: Float64Array, A: Float64Array[], factors: Float64Array, k: number): void {
  const [a, b, c, d] = [A[k]!, A[k + 1]!, A[k + 2]!, A[k + 3]!];
  const [s, t, u, v] = [factors[k]!, factors[k + 1]!, factors[k + 2]!, factors[k + 3]!];
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + s * a[i]! + t * b[i]! + (u * c[i]! + v * d[i]!);
}

/** A^T·B, as columns: one per column of B. */
export function inner(A: Float64Array[], B: Float64Array[]): Float64Array[] {
  return B.map((b) => {
    const products = new Float64Array(A.length);
    let k = 0;
    for (; k + 4 <= A.length; k += 4) dotFour(products, A, b, k);
    for (; k < A.length; k++) products[k] = dot(A[k]!, b);
    return products;
  });
}

/** products[k] to [k + 3] = columns k to k + 3 of A times b, in one pass over b. */
function dotFour(products: Float64Array, A: Float64Array[], b: Float64Array, k: number): void {
  const [a0, a1, a2, a3] = [A[k]!, A[k + 1]!, A[k + 2]!, A[k + 3]!];
  let [s, t, u, v] = [0, 0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    const x = b[i]!;
    s += x * a0[i]!;
    t += x * a1[i]!;
    u += x * a2[i]!;
    v += x * a3[i]!;
  }
  products[k] = s;
  products[k + 1] = t;
  products[k + 2] = u;
  products[k + 3] = v;
}
