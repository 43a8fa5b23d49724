/** The GGUF files of a whole model before they are written: sizes in every type, and what the runtime will not do. */
import { readGraftInfo } from '../../adapters/files.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { MODELFILE, modelfileFor, type Modelfile } from '../../exporting/ollama/modelfile.ts';
import { planGguf, type GgufPlan } from '../../gguf/exportGguf.ts';
import { ggufTokenizer, type GgufTokenizer } from '../../gguf/tokenizer/toGguf.ts';
import { certificateBeside, exportName, ggufFileName, isOneFile } from '../../../src-shared/exportFormats.ts';
import { QUANTISATIONS, type GgufExportParams, type Quantisation } from '../../../src-shared/exports.ts';
import { toErrorData } from '../../../src-shared/errors.ts';
import { quantisationsOf } from './combination.ts';
import { endNotes } from './notes.ts';
import type { PlannedExport, PlanRequest } from './request.ts';

/** A certificate with one file; each more adds less. */
const CERTIFICATE_BYTES = 1000;

/** Throws as planGguf and ggufTokenizer. */
export function plannedGguf(
  request: PlanRequest & Pick<GgufExportParams, 'format'>,
  adapterDirs: string[],
): PlannedExport {
  const { modelDir, outDir } = request;
  const base = openBaseModel(modelDir);
  try {
    const endIds = adapterDirs.flatMap((dir) => (readGraftInfo(dir)?.endTokens ?? []).map(({ id }) => id));
    const tokenizer = ggufTokenizer(base.dir, base.config, { endIds });
    const planOf = (quantise: Quantisation): GgufPlan =>
      planGguf({ base, quantise, tokenizerMetadata: tokenizer.metadata, name: exportName(outDir) });
    const plans = quantisationsOf(request)!.map((quantise) => ({ quantise, plan: planOf(quantise) }));
    const modelfile = request.format === 'ollama' ? modelfileOf(request, base, endIds) : undefined;
    return {
      files: [
        ...plans.map(({ quantise, plan: { sizeBytes } }) => ({ name: ggufFileName(request, quantise), sizeBytes })),
        ...(modelfile ? [{ name: MODELFILE, sizeBytes: Buffer.byteLength(modelfile.text) }] : []),
        {
          name: isOneFile(request) ? certificateBeside(ggufFileName(request, 'F32')) : CERTIFICATE_FILE,
          sizeBytes: CERTIFICATE_BYTES * plans.length,
        },
      ],
      notes: [
        ...endNotes(adapterDirs, 'named as such in the file'),
        ...(modelfile?.notes ?? templateNotes(tokenizer)),
        ...tokenizer.notes,
        ...planNotes(plans),
      ],
      choices: choicesOf(planOf),
    };
  } finally {
    base.close();
  }
}

/** Without ggml some types cannot be made. */
function choicesOf(planOf: (quantise: Quantisation) => GgufPlan): PlannedExport['choices'] {
  return QUANTISATIONS.flatMap((quantise) => {
    try {
      return [{ quantise, sizeBytes: planOf(quantise).sizeBytes }];
    } catch (error) {
      if (toErrorData(error).code === 'LLAMACPP_ABSENT') return [];
      throw error;
    }
  });
}

function modelfileOf(request: PlanRequest, base: BaseModel, endIds: number[]): Modelfile {
  const tokenizer = loadTokenizer(base.dir);
  const endTexts = endIds.map((id) => tokenizer.decode([id], { skipSpecialTokens: false }));
  return modelfileFor({
    gguf: ggufFileName(request, quantisationsOf(request)![0]!),
    tokenizer,
    endTexts,
    plain: tokenizer.chatTemplate === undefined,
  });
}

function templateNotes({ metadata }: GgufTokenizer): string[] {
  if (metadata.has('tokenizer.chat_template')) return [];
  return ['The base has no chat template: a chat window will pass what you type as it is.'];
}

/** What is said of several types alike is said once. */
function planNotes(plans: { quantise: Quantisation; plan: GgufPlan }[]): string[] {
  const byNote = Map.groupBy(
    plans.flatMap(({ quantise, plan }) => plan.notes.map((note) => ({ quantise, note }))),
    ({ note }) => note,
  );
  return [...byNote].map(([note, all]) =>
    all.length === plans.length ? note : `${all.map(({ quantise }) => quantise).join(', ')}: ${note}`,
  );
}
