/** What a report says of the machine and of a run: settings and sentences, never rows, prompts or names. */
import os from 'node:os';
import type { Run } from '../../catalog/runs.ts';
import { freeBytesAt } from '../../files/freeSpace.ts';
import { version } from '../system/version.ts';

const LOG_LINES = 40;

export function machineFacts(homeDir: string): object {
  return {
    graft: version,
    node: process.versions.node,
    electron: process.versions['electron'] ?? null,
    system: `${process.platform} ${process.arch} ${os.release()}`,
    processor: os.cpus()[0]?.model ?? '',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    freeMemoryBytes: os.freemem(),
    freeDiskBytes: freeBytesAt(homeDir),
  };
}

/** `log`: oldest first. */
export function runFacts({ id, status, spec, started, error }: Run, log: readonly string[]): object {
  const { samplePrompts, ...train } = spec.train;
  const { format, lossOn, maxLength, promptTemplate, controlTokens, classify, excludeLines, allowBadRows } = spec.data;
  return {
    id,
    status,
    engine: started?.engine ?? spec.engine,
    device: started?.device ?? null,
    baseDtype: spec.baseDtype ?? 'f32',
    embeddingDtype: spec.embeddingDtype ?? 'f32',
    modelHash: spec.model.hash,
    method: spec.method,
    train: { ...train, samplePrompts: samplePrompts?.length ?? 0 },
    data: {
      format: format ?? null,
      lossOn,
      maxLength,
      promptTemplate,
      controlTokens,
      classify,
      allowBadRows,
      excludedLines: excludeLines?.length ?? 0,
    },
    counts: started && {
      trainableParameters: started.trainableParameters,
      totalParameters: started.totalParameters,
      totalSteps: started.totalSteps,
      trainRows: started.trainRows,
      valRows: started.valRows,
      resumedFrom: started.resumedFrom,
    },
    error: error && { code: error.code, message: error.message },
    log: log.slice(-LOG_LINES),
  };
}

/** Files and folders that a run names, and what stands for them. */
export function placesOf({ spec }: Run): Record<string, string> {
  return {
    [spec.model.dir]: '<model>',
    [spec.data.file]: '<dataset>',
    [spec.outDir]: '<result>',
    [spec.runDir]: '<run>',
  };
}
