/**
 * Parses and checks the header of a safetensors file: 8 bytes length, then JSON. The rules are those of the Rust
 * library: every tensor lies inside the file, its size matches shape and dtype, tensors follow one another without gap
 * or overlap, and nothing comes after the last one.
 */
import { GraftError } from '../../src-shared/errors.ts';
import { shownValue } from '../../src-shared/shownValue.ts';
import { parseJson } from '../files/parseJson.ts';
import { DTYPE_BYTES, isDtype, type Dtype } from './dtype.ts';

/** The Rust library's limit for the header. */
export const MAX_HEADER_BYTES = 100_000_000;

interface HeaderTensor {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** Bytes after the end of the header. */
  start: number;
  end: number;
}

export interface SafetensorsHeader {
  tensors: HeaderTensor[];
  metadata: Record<string, string>;
}

export function headerError(file: string, problem: string, details: Record<string, unknown> = {}): GraftError {
  return new GraftError(
    'SAFETENSORS_HEADER',
    `${file} is not a valid safetensors file: ${problem}; download or export the file again.`,
    { file, ...details },
  );
}

function tensorError(file: string, tensor: string, problem: string, details: Record<string, unknown> = {}): GraftError {
  return new GraftError(
    'SAFETENSORS_TENSOR',
    `${file}: tensor ${tensor} ${problem}; download or export the file again.`,
    { file, tensor, ...details },
  );
}

export function truncatedError(file: string, gotBytes: number, wantBytes: number, tensor?: string): GraftError {
  const where = tensor === undefined ? '' : ` (tensor ${tensor} ends beyond it)`;
  return new GraftError(
    'SAFETENSORS_TRUNCATED',
    `${file} is cut short: it has ${gotBytes} bytes and needs at least ${wantBytes}${where}; download or copy ` +
      'the file again.',
    { file, gotBytes, wantBytes, ...(tensor === undefined ? {} : { tensor }) },
  );
}

/** `json`: the header's text. `fileBytes`: size of the whole file; `dataStart`: where the header ends. */
export function parseHeader(file: string, json: string, dataStart: number, fileBytes: number): SafetensorsHeader {
  const root = parseObject(file, json);
  const tensors: HeaderTensor[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') metadata = readMetadata(file, value);
    else tensors.push(readTensor(file, name, value));
  }
  checkLayout(file, tensors, dataStart, fileBytes);
  return { tensors, metadata };
}

function parseObject(file: string, json: string): Record<string, unknown> {
  const parsed = parseJson(json);
  if ('problem' in parsed) throw headerError(file, `its header ${parsed.problem}`);
  const root = parsed.value;
  if (!isObject(root)) throw headerError(file, 'its header is not a JSON object');
  return root;
}

function readMetadata(file: string, value: unknown): Record<string, string> {
  if (!isObject(value) || Object.values(value).some((v) => typeof v !== 'string'))
    throw headerError(file, 'its __metadata__ does not map names to text');
  return value as Record<string, string>;
}

function readTensor(file: string, name: string, value: unknown): HeaderTensor {
  if (!isObject(value)) throw tensorError(file, name, 'has no dtype, shape and data_offsets in the header');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype))
    throw tensorError(file, name, `has dtype ${shownValue(dtype ?? null)}, which Graft does not know`, { dtype });
  if (!isCounts(shape))
    throw tensorError(file, name, `has shape ${shownValue(shape ?? null)}, which is not a list of whole numbers`, {
      shape,
    });
  if (!isCounts(offsets) || offsets.length !== 2)
    throw tensorError(file, name, `has data_offsets ${shownValue(offsets ?? null)}, which is not [start, end]`, {
      offsets,
    });
  const [start, end] = offsets as [number, number];
  const wantBytes = shape.reduce((product, n) => product * n, 1) * DTYPE_BYTES[dtype];
  if (end - start !== wantBytes) {
    throw tensorError(
      file,
      name,
      `takes ${end - start} bytes, but ${dtype} of shape [${shape.join(', ')}] needs ${wantBytes}`,
      { gotBytes: end - start, wantBytes },
    );
  }
  return { name, dtype, shape, start, end };
}

function checkLayout(file: string, tensors: HeaderTensor[], dataStart: number, fileBytes: number): void {
  const ordered = [...tensors].sort((a, b) => a.start - b.start || a.end - b.end);
  let at = 0;
  let previous = '';
  for (const { name, start, end } of ordered) {
    if (start < at) throw tensorError(file, name, `overlaps tensor ${previous}`, { start, previousEnd: at });
    if (start > at)
      throw tensorError(file, name, `leaves a gap of ${start - at} bytes before it`, { start, previousEnd: at });
    at = end;
    previous = name;
  }
  const wantBytes = dataStart + at;
  if (wantBytes > fileBytes) {
    const beyond = ordered.find(({ end }) => dataStart + end > fileBytes)!;
    throw truncatedError(file, fileBytes, wantBytes, beyond.name);
  }
  if (wantBytes < fileBytes)
    throw headerError(file, `${fileBytes - wantBytes} bytes follow its last tensor`, {
      gotBytes: fileBytes,
      wantBytes,
    });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
