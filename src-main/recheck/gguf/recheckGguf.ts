/**
 * The independent part of a GGUF's certificate: the file read a second time and compared with the folder that it was
 * made from and the adapters' own files. No model is run and nothing is shared with what wrote the file.
 */
import type { TaskDir } from '../../../src-shared/exports.ts';
import type { GgufReading } from '../../../src-shared/ggufCertificate.ts';
import { allChanges, readFolder } from '../recheck.ts';
import { compareGgufTensors } from './compareGgufTensors.ts';
import { compareMetadata } from './compareMetadata.ts';
import { openGgufFile } from './ggufFile.ts';

interface RecheckGgufParams {
  file: string;
  sourceDir: string;
  tasks: TaskDir[];
}

const MOST_PROBLEMS = 20;

/** Never throws for what is wrong with the file: that is `problems`. */
export async function recheckGguf({ file, sourceDir, tasks }: RecheckGgufParams): Promise<GgufReading> {
  const problems: string[] = [];
  const report = (problem: string): void => void (problems.length < MOST_PROBLEMS && problems.push(problem));
  const found: Omit<GgufReading, 'problems' | 'passed'> = {
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
      const source = readFolder(sourceDir);
      found.tensors = opened.tensors.size;
      found.types = countTypes([...opened.tensors.values()].map(({ type }) => type));
      found.sizeBytes = opened.sizeBytes;
      found.keysChecked = compareMetadata(opened.metadata, source.config, report);
      Object.assign(found, compareGgufTensors(source, opened.tensors, allChanges(tasks, source), report));
    } finally {
      opened.close();
    }
  } catch (error) {
    report(error instanceof Error ? error.message : String(error));
  }
  return { ...found, problems, passed: problems.length === 0 };
}

function countTypes(types: string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
