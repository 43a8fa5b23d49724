/** The GGUF files of a whole model before they are written: sizes in every type, and what the runtime will not do. */
import { readGraftInfo } from '../../adapters/files.ts';
import { trainedRows } from '../../adapters/trainedRows.ts';
import { openBaseModel, type BaseModel } from '../../basemodel/baseModel.ts';
import { CERTIFICATE_FILE } from '../../basemodel/sideFiles.ts';
import { loadTokenizer } from '../../datasets/tokenizer.ts';
import { askedAs, commonTemplate, newTemplate } from '../../exporting/chatTemplate.ts';
import { MODELFILE, modelfileFor, type Modelfile, type ModelfileInput } from '../../exporting/ollama/modelfile.ts';
import { planGguf, type GgufPlan } from '../../gguf/exportGguf.ts';
import { ggufTokenizer, type GgufTokenizer } from '../../gguf/tokenizer/toGguf.ts';
import { certificateBeside, exportName, ggufFileName, isOneFile } from '../../../src-shared/exportFormats.ts';
import { QUANTISATIONS, type GgufExportParams, type Quantisation } from '../../../src-shared/exports.ts';
import type { DatasetKind } from '../../../src-shared/datasets.ts';
import { toErrorData } from '../../../src-shared/errors.ts';
import { basisFor, headNotes } from './basis.ts';
import { quantisationsOf } from './combination.ts';
import { endNotes, keptTemplateNotes } from './notes.ts';
import type { PlannedExport, PlanRequest } from './request.ts';

/** A certificate with one file; each more adds less. */
const CERTIFICATE_BYTES = 1000;

/** Throws as planGguf and ggufTokenizer. */
export function plannedGguf(
  request: PlanRequest & Pick<GgufExportParams, 'format'>,
  adapterDirs: string[],
): PlannedExport {
  const { modelDir, outDir } = request;
  const opened = openBaseModel(modelDir);
  try {
    const base = basisFor(opened, adapterDirs);
    const rows = adapterDirs.length > 0 ? trainedRows(adapterDirs) : request.rows;
    const endIds = adapterDirs.flatMap((dir) => (readGraftInfo(dir)?.endTokens ?? []).map(({ id }) => id));
    const promptTemplate = commonTemplate(adapterDirs);
    const chatTemplate = newTemplate(modelDir, promptTemplate);
    const tokenizer = ggufTokenizer(base.dir, base.config, { endIds, chatTemplate });
    const planOf = (quantise: Quantisation): GgufPlan =>
      planGguf({ base, quantise, tokenizerMetadata: tokenizer.metadata, name: exportName(outDir) });
    const plans = quantisationsOf(request)!.map((quantise) => ({ quantise, plan: planOf(quantise) }));
    const modelfile =
      request.format === 'ollama' ? modelfileOf(request, base, { endIds, rows, promptTemplate }) : undefined;
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
        ...headNotes(base, ''),
        ...(modelfile?.notes ?? templateNotes(tokenizer, askedAs(promptTemplate, rows))),
        ...keptTemplateNotes(modelDir, adapterDirs),
        ...tokenizer.notes,
        ...planNotes(plans),
      ],
      choices: choicesOf(planOf),
    };
  } finally {
    opened.close();
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

function modelfileOf(
  request: PlanRequest,
  base: BaseModel,
  { endIds, ...taught }: { endIds: number[] } & Pick<ModelfileInput, 'rows' | 'promptTemplate'>,
): Modelfile {
  const tokenizer = loadTokenizer(base.dir);
  const endTexts = endIds.map((id) => tokenizer.decode([id], { skipSpecialTokens: false }));
  return modelfileFor({
    gguf: ggufFileName(request, quantisationsOf(request)![0]!),
    tokenizer,
    endTexts,
    ...taught,
  });
}

function templateNotes({ metadata }: GgufTokenizer, rows: DatasetKind | undefined): string[] {
  const isChat = metadata.has('tokenizer.chat_template');
  if (isChat && (rows === undefined || rows === 'messages')) return [];
  if (isChat)
    return [
      "A chat window puts the base's chat template around what is typed, which training did not know: " +
        'give it whole prompts as in the data instead (llama-cli -no-cnv, a completion).',
    ];
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
