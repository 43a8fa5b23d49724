/** One stage of the bench `data` in a process of its own: what it took is written to standard output as JSON. */
import path from 'node:path';
import { DatasetFiles } from '../../src-main/datasets/datasetFiles.ts';
import { loadTokenizer } from '../../src-main/datasets/tokenizer.ts';
import { peakResidentBytes } from '../../src-main/hardware/peakMemory.ts';
import {
  EARLY_BYTES,
  prepareTokens,
  tokensOrSample,
  type PreparedTokens,
} from '../../src-main/datasets/tokens/preparedTokens.ts';
import type { TokeniseOptions } from '../../src-main/datasets/tokens/tokeniseFile.ts';
import { withDraft } from '../../src-main/worker/train/draft.ts';
import { CallControl } from '../../src-main/worker/control.ts';
import { startRun } from '../../src-main/worker/train/start.ts';
import { takeStep } from '../../src-main/worker/train/step.ts';
import { alone } from '../../src-main/worker/train/team.ts';
import type { RunSpec } from '../../src-shared/runSpec.ts';
import { LoopDelay } from '../lib/loopDelay.ts';
import type { Stage, StageResult } from './stages.ts';

const [stage, specText] = process.argv.slice(2) as [Stage, string];
const spec = JSON.parse(specText) as RunSpec;
const { file, maxLength } = spec.data;

const delay = new LoopDelay();
const startedMs = performance.now();
const done = await run();
const ms = performance.now() - startedMs;
const { user, system } = process.cpuUsage();
const result: StageResult = {
  ms,
  cpuMs: (user + system) / 1000,
  peakBytes: peakResidentBytes(),
  blockedMs: delay.longestMs,
  ...done,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit();

async function run(): Promise<Pick<StageResult, 'rows' | 'tokens'>> {
  switch (stage) {
    case 'nothing':
      return { rows: 0, tokens: null };
    case 'add': {
      const files = new DatasetFiles(path.dirname(file));
      const { good } = await files.survey({ file });
      return { rows: good.count, tokens: null };
    }
    case 'plan':
      return counted(await tokensOrSample(options()));
    case 'tokenise':
    case 'again':
      return counted(await prepareTokens(options()));
    case 'early':
    case 'step':
      return withDraft(
        spec,
        () => undefined,
        async (draft) => {
          if ((stage === 'early') !== (draft.data.rest !== undefined))
            throw new Error('the cache is not as it should be');
          const started = { state: null, emit: () => undefined, team: alone(new CallControl()) };
          const run = await startRun(draft, started);
          void draft.data.rest?.();
          await takeStep(run);
          return { rows: draft.data.train.length, tokens: null };
        },
        { earlyBytes: EARLY_BYTES },
      );
    default:
      return stage satisfies never;
  }
}

function counted({ stats }: PreparedTokens): Pick<StageResult, 'rows' | 'tokens'> {
  return { rows: stats.rows, tokens: stats.tokens };
}

function options(): TokeniseOptions {
  const { dir } = spec.model;
  // As a run of a model with so many positions asks for them.
  return { file, maxLength, tokenizer: loadTokenizer(dir), vocab: 50_304, modelDir: dir, controlTokens: true };
}
