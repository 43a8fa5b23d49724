/** What the worker does for each call that the main process can make. */
import type { WorkerCallName, WorkerCalls } from '../../src-shared/workerCalls.ts';
import { checkDataset } from '../datasets/check.ts';
import { reportBackends } from '../engine/backends/backends.ts';
import type { CallControl } from './control.ts';
import { exportAdapter } from './export/adapter.ts';
import { exportGgufs } from './export/gguf.ts';
import { labAdvise } from './lab/advise.ts';
import { labCompose } from './lab/compose.ts';
import { labCompress } from './lab/compress.ts';
import { labIntruders } from './lab/intruders.ts';
import { labRate, labRateGrid } from './lab/rate.ts';
import { labAmplification, labSimilarity, labSpectrum } from './lab/understand.ts';
import { modelFit } from './plan/modelFit.ts';
import { modelNeeds } from './plan/modelNeeds.ts';
import { Planner } from './plan/planner.ts';
import { preflight } from './plan/preflight.ts';
import { GgufAnswers } from './serve/ggufAnswers.ts';
import { Resident } from './serve/resident.ts';
import { Journal } from '../runfolder/journal.ts';
import { judge } from './suites/judge.ts';
import { runSuite } from './suites/runSuite.ts';
import { checkTokenizer } from './tokens/checkTokenizer.ts';
import { countRowTokens, previewRowTokens } from './tokens/rowTokens.ts';
import { inspectStep } from './train/inspectStep.ts';
import { train } from './train/train.ts';
import { evaluate } from './verify/evaluate.ts';
import { mergeAndVerify } from './verify/merge.ts';
import { rowLosses } from './verify/rowLosses.ts';
import { selfTest } from './verify/selfTest.ts';
import { unmerge } from './verify/unmerge.ts';

type Handlers<Names extends WorkerCallName = WorkerCallName> = {
  [K in Names]: (
    params: WorkerCalls[K]['params'],
    emit: (event: WorkerCalls[K]['event']) => void,
    control: CallControl,
  ) => Promise<WorkerCalls[K]['result']>;
};

const training: Handlers<'train' | 'inspectStep'> = {
  train: async ({ spec, resume }, emit, control) => {
    const journal = new Journal(spec.runDir);
    try {
      return await train(spec, resume, (event) => (journal.write(event), emit(event)), control);
    } finally {
      journal.close();
    }
  },
  inspectStep,
};

const planner = new Planner();
const planning: Handlers<'plan' | 'planFit' | 'planLargest' | 'preflight' | 'modelNeeds' | 'modelFit'> = {
  plan: ({ spec, room }) => planner.plan(spec, room),
  planFit: ({ spec, room, keep }) => planner.fit(spec, room, keep),
  planLargest: ({ spec, room }) => planner.largest(spec, room),
  preflight: ({ spec, card }) => preflight(spec, card),
  modelNeeds: ({ modelDir }) => modelNeeds(modelDir),
  modelFit,
};

const resident = new Resident();
/** In place of the resident base, in a worker that serves a GGUF file. */
let gguf: GgufAnswers | undefined;
const serving: Handlers<'load' | 'attach' | 'mergeInto' | 'mix' | 'generate' | 'compare' | 'answer' | 'loadGguf'> = {
  load: (params, emit) => resident.load(params, emit),
  attach: ({ adapterDir }) => resident.attach(adapterDir),
  mergeInto: ({ tasks }) => resident.mergeInto(tasks),
  mix: (params) => resident.mix(params),
  generate: (params, emit, control) => resident.generate(params, emit, control),
  compare: (params, emit, control) => resident.compare(params, emit, control),
  answer: (params, emit, control) => (gguf ?? resident).answer(params, emit, control),
  loadGguf: async ({ file }) => {
    await gguf?.dispose();
    const opened = await GgufAnswers.open(file);
    gguf = opened.answers;
    return opened.load;
  },
};

const verifying: Handlers<
  'engines' | 'selfTest' | 'evaluate' | 'rowLosses' | 'runSuite' | 'judge' | 'merge' | 'unmerge'
> = {
  engines: ({ calibrate }) => reportBackends(calibrate),
  selfTest: ({ engine }) => selfTest(engine),
  evaluate,
  rowLosses,
  runSuite,
  judge,
  merge: mergeAndVerify,
  unmerge,
};

const exporting: Handlers<'exportGguf' | 'exportAdapter'> = { exportGguf: exportGgufs, exportAdapter };

const tokens: Handlers<'checkTokenizer' | 'previewTokens' | 'countTokens' | 'checkDataset'> = {
  checkTokenizer: ({ modelDir }) => checkTokenizer(modelDir),
  previewTokens: previewRowTokens,
  countTokens: countRowTokens,
  checkDataset,
};

const lab: Handlers<
  'labSpectrum' | 'labSimilarity' | 'labAmplification' | 'labIntruders' | 'labCompress' | 'labCompose'
> = {
  labSpectrum,
  labSimilarity,
  labAmplification,
  labIntruders,
  labCompress,
  labCompose,
};

const choosing: Handlers<'labRate' | 'labRateGrid' | 'labAdvise'> = { labRate, labRateGrid, labAdvise };

const handlers: Handlers = {
  ...training,
  ...planning,
  ...serving,
  ...verifying,
  ...exporting,
  ...tokens,
  ...lab,
  ...choosing,
};

/** Does what a call asks for. Events go to `emit` as they come. */
export function answerCall<K extends WorkerCallName>(
  name: K,
  params: WorkerCalls[K]['params'],
  emit: (event: WorkerCalls[K]['event']) => void,
  control: CallControl,
): Promise<WorkerCalls[K]['result']> {
  return handlers[name](params, emit, control);
}
