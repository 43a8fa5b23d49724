/** Which settings of an export go together, told before any work. */
import { ggufPointer } from '../../gguf/pointer.ts';
import { EXPORT_FORMAT_FACTS, isAsItIs, isGgufName, isOneFile } from '../../../src-shared/exportFormats.ts';
import type { ExportFormat, Quantisation } from '../../../src-shared/exports.ts';
import { usageError, type GraftError } from '../../../src-shared/errors.ts';
import type { ExportRequest } from './request.ts';

/** Half of F16's size, at hardly any loss, and possible without llama.cpp. */
const DEFAULT_QUANTISE: Quantisation = 'Q8_0';

type Combined = Pick<ExportRequest, 'format' | 'outDir' | 'tasks' | 'dtype' | 'quantise' | 'maxShardBytes'> &
  Partial<Pick<ExportRequest, 'modelDir'>>;

/** The types of the GGUF files; undefined for other formats. */
export function quantisationsOf({
  format,
  quantise,
}: Pick<ExportRequest, 'format' | 'quantise'>): Quantisation[] | undefined {
  if (!EXPORT_FORMAT_FACTS[format].quantised) return undefined;
  return [...new Set(quantise ?? [DEFAULT_QUANTISE])];
}

/** Throws a usage error EXPORT_OPTIONS, NO_ADAPTER or ONE_ADAPTER. */
export function refuseCombination(request: Combined): void {
  const { format, outDir, dtype, quantise, maxShardBytes } = request;
  const { holds, quantised } = EXPORT_FORMAT_FACTS[format];
  if (quantise && !quantised) throw unfit(format, 'has no quantised weights; choose gguf, ollama or lmstudio for them');
  if (dtype && format !== 'hf')
    throw unfit(format, quantised ? 'names its types as quantisations, such as F16' : 'keeps the type of its weights');
  if (maxShardBytes && format !== 'hf') throw unfit(format, 'is not split into shards; only hf is');
  if (isAsItIs(request)) refuseAsItIs(request);
  else if (holds === 'adapter' && request.tasks)
    throw usageError(
      'ONE_ADAPTER',
      `${format} holds one adapter as it was trained; export the adapters one by one, or merge them.`,
    );
  const types = quantisationsOf(request) ?? [];
  if (types.length > 1 && isOneFile(request))
    throw unfit(format, `is one file of one type where --out ends in .gguf; name a folder for ${types.join(', ')}`);
  if (types.length > 1 && format === 'ollama')
    throw unfit(format, 'has one Modelfile for one file; choose one quantisation');
  if (isGgufName(outDir) && !isOneFile(request))
    throw unfit(format, `is a folder, but ${outDir} has the name of a GGUF file; choose another name`);
}

/** What a model without adapters cannot become, or is already. */
function refuseAsItIs({ format, modelDir = '', dtype, maxShardBytes }: Combined): void {
  if (EXPORT_FORMAT_FACTS[format].holds === 'adapter')
    throw usageError(
      'NO_ADAPTER',
      `${format} holds an adapter, and a whole model has none; choose gguf, ollama or lmstudio for it.`,
      { format },
    );
  if (format === 'hf' && !dtype && !maxShardBytes && !ggufPointer(modelDir))
    throw unfit(
      format,
      'is what a whole model is already; choose another type or size of its weights files (--dtype, --shard), or ' +
        'gguf, ollama or lmstudio',
    );
}

function unfit(format: ExportFormat, why: string): GraftError {
  return usageError('EXPORT_OPTIONS', `The format ${format} ${why}.`, { format });
}
