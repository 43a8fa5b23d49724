/** A GGUF file opened for a second reading: what is found, and every problem in words. */
import type { GgufReading } from '../../../src-shared/ggufCertificate.ts';
import { openGgufFile, type GgufFile } from './ggufFile.ts';

export type Found = Omit<GgufReading, 'problems' | 'passed'>;
export type Report = (problem: string) => void;

const MOST_PROBLEMS = 20;

/** Never throws for what is wrong with the file. read: compares it with its source. */
export async function readingOf(
  file: string,
  read: (opened: GgufFile, found: Found, report: Report) => void,
): Promise<GgufReading> {
  const problems: string[] = [];
  const report = (problem: string): void => void (problems.length < MOST_PROBLEMS && problems.push(problem));
  const found: Found = {
    tensors: 0,
    types: {},
    sizeBytes: 0,
    keysChecked: 0,
    valuesChecked: 0,
    updateShare: null,
    updateShareError: null,
  };
  try {
    const opened = await openGgufFile(file);
    try {
      found.tensors = opened.tensors.size;
      found.types = countTypes(opened);
      found.sizeBytes = opened.sizeBytes;
      read(opened, found, report);
    } finally {
      opened.close();
    }
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
  }
  return { ...found, problems, passed: problems.length === 0 };
}

/** Tensors by number format, the most frequent first. */
export function countTypes({ tensors }: GgufFile): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { type } of tensors.values()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
