/**
 * Makes resources/starter: the starter model and the sample datasets.
 *
 *   node scripts/make-starter.ts [--out DIR] [--steps N] [--engine tensorflow|webgpu|wasm]
 *
 * Writes DIR/model (a Llama checkpoint, trained here from random weights on generated text) and DIR/data
 * (describe.jsonl, extract.jsonl); DIR is resources/starter, N is 2500, the engine tensorflow. The same code, engine
 * and number of processor threads give the same bytes. Needs Node 24 and `npm run setup`.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { toErrorData, usageError } from '../src-shared/errors.ts';
import { type BackendName, BACKENDS } from '../src-shared/backends.ts';
import type { TrainEvent } from '../src-shared/training.ts';
import { DEFAULT_STEPS, makeStarter } from './starter/build.ts';

const REPORT_EVERY = 100;

function readArgs(argv: string[]): { outDir: string; steps: number; engine: BackendName } {
  const { values } = parseArgs({
    args: argv,
    options: { out: { type: 'string' }, steps: { type: 'string' }, engine: { type: 'string' } },
  });
  const steps = values.steps === undefined ? DEFAULT_STEPS : Number(values.steps);
  if (!Number.isInteger(steps) || steps < 1)
    throw usageError('BAD_STEPS', `--steps is a whole number of at least 1, not "${values.steps}".`);
  const engine = BACKENDS.find((name) => name === (values.engine ?? 'tensorflow'));
  if (!engine) throw usageError('BAD_ENGINE', `--engine is one of ${BACKENDS.join(', ')}, not "${values.engine}".`);
  return { outDir: path.resolve(values.out ?? path.join(import.meta.dirname, '../resources/starter')), steps, engine };
}

function report(event: TrainEvent): void {
  if (event.type === 'started')
    console.error(
      `${event.totalParameters} parameters, ${event.trainRows} rows, ${event.totalSteps} steps on ` +
        `${event.engine} (${event.device})`,
    );
  if (event.type === 'eval') console.error(`step ${event.step}: loss on held-out rows ${event.valLoss.toFixed(4)}`);
  if (event.type === 'step' && event.step % REPORT_EVERY === 0)
    console.error(`step ${event.step}: loss ${event.loss.toFixed(4)}, ${event.tokensPerSecond.toFixed(0)} tokens/s`);
}

try {
  const options = readArgs(process.argv.slice(2));
  const result = await makeStarter({ ...options, emit: report });
  console.log(
    `${options.outDir}: model.safetensors sha256 ${result.sha256}, loss ${result.finalLoss.toFixed(4)}, on ` +
      `held-out rows ${result.valLoss?.toFixed(4)}`,
  );
} catch (error) {
  const { message, kind } = toErrorData(error);
  console.error(message);
  process.exitCode = kind === 'usage' ? 2 : 1;
}
