/** The lab's figures by NumPy (lab_reference.py). */
import { execFileSync } from 'node:child_process';
import path from 'node:path';

export const LAB_REFERENCE = path.join(import.meta.dirname, 'lab_reference.py');

/** Why the comparison is skipped, for a test's title; empty where NumPy is there. */
export function withoutNumpy(): string {
  try {
    execFileSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' });
    return '';
  } catch {
    return ' (skipped: python3 has no numpy to compare with)';
  }
}
