/**
 * The independent part of a GGUF's certificate: the file read a second time and compared with the folder that it was
 * made from and the adapters' own files. No model is run and nothing is shared with what wrote the file.
 */
import type { TaskDir } from '../../../src-shared/exports.ts';
import type { GgufReading } from '../../../src-shared/ggufCertificate.ts';
import { textPart } from '../adapterChanges.ts';
import { allChanges, readFolder } from '../recheck.ts';
import { compareGgufTensors } from './compareGgufTensors.ts';
import { compareMetadata } from './compareMetadata.ts';
import { openGgufFile } from './ggufFile.ts';
import { countTypes, readingOf } from './reading.ts';

interface RecheckGgufParams {
  file: string;
  sourceDir: string;
  tasks: TaskDir[];
}

/** Never throws for what is wrong with the file: that is `problems`. */
export function recheckGguf({ file, sourceDir, tasks }: RecheckGgufParams): Promise<GgufReading> {
  return readingOf(file, (opened, found, report) => {
    const source = textPart(readFolder(sourceDir));
    found.keysChecked = compareMetadata(opened.metadata, source.config, report);
    Object.assign(found, compareGgufTensors(source, opened.tensors, allChanges(tasks, source), report));
  });
}

/** Tensors by number format. Throws an Error in words about a file that cannot be read. */
export async function typesOfGguf(file: string): Promise<Record<string, number>> {
  const opened = await openGgufFile(file);
  opened.close();
  return countTypes(opened);
}
