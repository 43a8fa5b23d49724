/** The certificates of an export in the words of its card. */
import type { ExportRecord } from '../../catalog/exports.ts';
import type { CardProof } from '../../exporting/card/facts.ts';
import { referenceName } from '../../../src-shared/exportFormats.ts';
import type { ParityCertificate, WrittenGguf } from '../../../src-shared/exports.ts';

export function proofsOf({ result, tasks }: Pick<ExportRecord, 'result' | 'tasks'>): CardProof[] {
  if (!result) return [];
  const against = referenceName({ tasks });
  const { certificate, ggufs = [] } = result;
  return [...(certificate ? [ofFolder(certificate, against)] : []), ...ggufs.map((gguf) => ofGguf(gguf, against))];
}

function ofFolder(certificate: ParityCertificate, against: string): CardProof {
  const { prompts, tokensCompared, maxLogitDifference, tolerance, equalGreedyShare, engine, reading } = certificate;
  return {
    compared:
      `The logits of these files against ${against}, both by Graft's engine (${engine}), at ${tokensCompared} ` +
      `tokens of ${prompts} texts${reading ? '; and the files once more by a second, independent reader' : ''}.`,
    figures: [
      ['Largest difference of a logit', maxLogitDifference.toPrecision(3)],
      ['Tolerance', tolerance.toPrecision(3)],
      ['Equal most likely tokens', percent(equalGreedyShare)],
      ...(reading
        ? ([
            ['Tensors read again', `${reading.tensors}, ${reading.changed} of them adapted`],
            ['Values computed again', String(reading.valuesChecked)],
          ] as [string, string][])
        : []),
      ['Result', resultOf(certificate.passed)],
    ],
  };
}

function ofGguf({ file, quantise, certificate: { reading, run, passed } }: WrittenGguf, against: string): CardProof {
  const figures: CardProof['figures'] = [['Type', quantise]];
  if (reading)
    figures.push(
      ['Tensors read again', String(reading.tensors)],
      ['Values computed again', String(reading.valuesChecked)],
    );
  if (run)
    figures.push(
      ['Mean KL divergence of the next token (nats)', run.kl.toExponential(2)],
      ...(run.fileKl === null
        ? []
        : [["The same beside Graft's engine on the same file", run.fileKl.toExponential(2)] as [string, string]]),
      ['Bound', run.klBound.toExponential(0)],
      ['Perplexity', `${run.perplexity.toFixed(3)} (${against}: ${run.referencePerplexity.toFixed(3)})`],
      ['Equal most likely tokens', percent(run.equalGreedyShare)],
    );
  const compared = run
    ? `${file} by llama.cpp against ${against} by Graft's engine, at ${run.tokensCompared} tokens of ` +
      `${run.prompts} texts.`
    : `${file}: read back; llama.cpp was not installed to run it.`;
  return { compared, figures: [...figures, ['Result', resultOf(passed)]] };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function resultOf(passed: boolean): string {
  return passed ? 'passed' : 'not passed; kept all the same';
}
