/** How much memory the keys and values of answers under way may take. */
import os from 'node:os';
import { mostBytesPerBinding } from '../../engine/backends/bindingLimit.ts';
import type { ArchitectureSpec } from '../../engine/model/architecture.ts';
import { columnBytesOf } from './promptBuffers.ts';

/** Of the memory of the machine. */
const SHARE = 1 / 8;
const MOST_BYTES = 8 * 2 ** 30;

/**
 * Columns of all rows together; a column is the keys and values of one token, in every layer. The keys of a layer are
 * in one buffer, which the device must be able to bind.
 */
export function mostColumns(
  spec: ArchitectureSpec,
  memoryBytes = os.totalmem(),
  bindingBytes = mostBytesPerBinding(),
): number {
  const ofLayer = columnBytesOf(spec);
  const inMemory = Math.min(MOST_BYTES, SHARE * memoryBytes) / (2 * spec.layers * ofLayer);
  return Math.floor(Math.min(inMemory, bindingBytes / ofLayer));
}
