/** Merging into a folder that only appears once its certificate has passed, or the user wants it all the same. */
import fs from 'node:fs';
import path from 'node:path';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { FLOAT_DTYPES, type DtypeName } from '../../safetensors/dtype.ts';
import { writeOutputFolder } from '../../basemodel/outputFolder.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { readAdapter } from '../../methods/fileRegistry.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { mergeBasis, mergeTasks, taskEdits, type Task } from '../../merging/merge.ts';
import { recheckExport } from '../../recheck/recheck.ts';
import { useBackend } from '../backend.ts';
import { newTemplate } from '../../exporting/chatTemplate.ts';
import { taughtIds, taughtTemplate, tasksOf } from '../mergedTasks.ts';
import { heldOutPrompts } from './heldOutPrompts.ts';
import { parityOf } from './parity.ts';
import { isAsItIs, referenceName } from '../../../src-shared/exportFormats.ts';
import type { MergeParams, MergeResult, ParityCertificate } from '../../../src-shared/exports.ts';
import type { WorkerCalls } from '../../../src-shared/workerCalls.ts';

export async function mergeAndVerify(
  params: MergeParams,
  emit: (event: WorkerCalls['merge']['event']) => void,
): Promise<MergeResult> {
  const base = openBaseModel(params.modelDir);
  try {
    const tasks = tasksOf(params).map(({ adapterDir, scale }) => ({ adapter: readAdapter(adapterDir), scale }));
    return await writeOutputFolder(params.outDir, base.dir, async (dir) => {
      const onProgress = ({ done, total }: { done: number; total: number }): void =>
        emit({ done, total, phase: 'merge' });
      const eosTokenIds = taughtIds(params, base);
      const chatTemplate = newTemplate(base.dir, taughtTemplate(params));
      const written = await mergeTasks({
        base,
        tasks,
        outDir: dir,
        ...(params.dtype ? { dtype: params.dtype } : {}),
        maxShardBytes: params.maxShardBytes,
        eosTokenIds,
        chatTemplate,
        onProgress,
      });
      const certificate = await certify({ params, base, tasks, mergedDir: dir, eosTokenIds, chatTemplate }, emit);
      fs.writeFileSync(path.join(dir, CERTIFICATE_FILE), `${JSON.stringify(certificate, null, 2)}\n`);
      return {
        outDir: path.resolve(params.outDir),
        files: [...written.files, CERTIFICATE_FILE],
        sizeBytes: written.sizeBytes,
        sha256: written.sha256,
        certificate,
      };
    });
  } finally {
    base.close();
  }
}

interface Merged {
  params: MergeParams;
  base: BaseModel;
  tasks: Task[];
  mergedDir: string;
  eosTokenIds: number[];
  chatTemplate: string | undefined;
}

/** Throws PARITY_FAILED for one that does not pass and is not wanted all the same: then there is no export. */
async function certify(
  { params, base, tasks, mergedDir, eosTokenIds, chatTemplate }: Merged,
  emit: (event: WorkerCalls['merge']['event']) => void,
): Promise<ParityCertificate> {
  await useBackend(params.engine);
  const reading = recheckExport({
    sourceDir: base.dir,
    exportDir: mergedDir,
    tasks: tasksOf(params),
    dtype: params.dtype,
    eosTokenIds,
    chatTemplate,
  });
  const prompts = await heldOutPrompts(mergedDir, base.spec, params.heldOut);
  const parity = await parityOf({
    base,
    tasks: tasksOf(params),
    mergedDir,
    prompts,
    basis: mergeBasis(tasks, base),
    edit: taskEdits(tasks, base),
    dtype: params.dtype,
    onProgress: (done, total) => emit({ done, total, phase: 'verify' }),
  });
  const terms = tasks.map(({ adapter, scale }) => ({ adapterSha256: adapter.sha256, scale }));
  const passed = parity.passed && reading.passed;
  const certificate: ParityCertificate = {
    ...parity,
    reading,
    passed,
    ...(passed ? {} : { keptDespiteFailure: true }),
    dtype: params.dtype ?? dtypeOf(base),
    engine: params.engine,
    adapterSha256: terms[0]?.adapterSha256 ?? '',
    ...(params.tasks ? { tasks: terms } : {}),
    baseHash: base.hash,
    createdAt: new Date().toISOString(),
  };
  if (passed || params.allowFailedCertificate) return certificate;
  throw failed(certificate, parity.passed);
}

/** withinTolerance: of the logits; then the second reading has found something. */
function failed(certificate: ParityCertificate, withinTolerance: boolean): GraftError {
  const { reading, dtype, maxLogitDifference, tolerance, rounding = 0 } = certificate;
  const [problem, ...more] = reading?.problems ?? [];
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  const source = isAsItIs(certificate) ? 'the model gives' : 'base and adapter give';
  const what = withinTolerance
    ? `The written folder is not what ${source}: ${problem}${others}`
    : `The written model's logits differ from ${referenceName(certificate)} by ` +
      `${maxLogitDifference.toPrecision(3)}, above the tolerance ${tolerance.toPrecision(3)} of ${dtype} ` +
      `(rounding alone makes ${rounding.toPrecision(3)})`;
  return new GraftError(
    'PARITY_FAILED',
    `${what}; nothing was exported, ${dtype === 'f32' ? '' : 'try dtype f32, '}make sure that its source does not ` +
      'change meanwhile, or allow an export whose certificate has failed.',
    { certificate },
  );
}

/** The coarsest dtype among the model's tensors: it bounds how exact an export in the base's own dtypes can be. */
function dtypeOf(base: BaseModel): DtypeName {
  const dtypes = new Set([...base.tensors.values()].map(({ dtype }) => dtype));
  const order: DtypeName[] = ['bf16', 'f16', 'f32'];
  return order.find((name) => dtypes.has(FLOAT_DTYPES[name])) ?? 'f32';
}
