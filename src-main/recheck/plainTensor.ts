/** A tensor as the plain readers find it: where its values lie. */
export interface PlainTensor {
  name: string;
  /** As the header writes it: F32, BF16, I64, … */
  dtype: string;
  shape: number[];
  file: string;
  /** Bytes from the start of the file. */
  start: number;
  byteLength: number;
  /** Elements from one value to the next in each dimension, where they do not follow each other. */
  strides?: number[] | undefined;
  /** How values are read that a GGUF file keeps in another form. */
  read?: (from: number, count: number) => Float64Array;
}
