/**
 * A GGUF file as llama.cpp runs it, beside base + adapter in Graft's engine: the same ids for the same texts, and how
 * far the distributions of the next token lie apart.
 */
import { argmax } from '../../engine/generate/sample.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import type { LlamacppModel, LlamacppRunner } from '../../llamacpp/runtime.ts';
import type { GgufRun } from '../../../src-shared/ggufCertificate.ts';
import type { Reference } from '../verify/reference.ts';

type Distances = Pick<
  GgufRun,
  'prompts' | 'tokensCompared' | 'kl' | 'maxKl' | 'equalGreedyShare' | 'perplexity' | 'referencePerplexity'
>;

/** What a probability of llama.cpp that is 0 in float32 may have been at most. */
const LEAST = 1e-38;

/** onPrompt: called after each one; what it throws stops the work. */
export async function distancesOf(
  runner: LlamacppRunner,
  references: readonly Reference[],
  onPrompt: () => void,
): Promise<Distances> {
  const sums = { positions: 0, kl: 0, maxKl: 0, greedy: 0, equal: 0, texts: 0, loss: 0, referenceLoss: 0 };
  for (const { ids, promptLength, logits } of references) {
    const V = logits.length / ids.length;
    await runner.nextProbabilities(ids, (t, theirs) => {
      const row = logits.subarray(t * V, (t + 1) * V);
      const logZ = logSumExp(row);
      const kl = divergence(row, logZ, theirs);
      sums.positions++;
      sums.kl += kl;
      sums.maxKl = Math.max(sums.maxKl, kl);
      if (t >= promptLength - 1) {
        sums.greedy++;
        if (highest(theirs) === argmax(row)) sums.equal++;
      } else {
        const next = ids[t + 1]!;
        sums.texts++;
        sums.loss -= Math.log(Math.max(theirs[next]!, LEAST));
        sums.referenceLoss -= row[next]! - logZ;
      }
    });
    onPrompt();
  }
  return {
    prompts: references.length,
    tokensCompared: sums.positions,
    kl: sums.kl / sums.positions,
    maxKl: sums.maxKl,
    equalGreedyShare: sums.equal / sums.greedy,
    perplexity: Math.exp(sums.loss / Math.max(1, sums.texts)),
    referencePerplexity: Math.exp(sums.referenceLoss / Math.max(1, sums.texts)),
  };
}

function highest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** KL(p || q) = sum p·ln(p/q), in nats; p = softmax(logits). NaN counts as Infinity. */
function divergence(logits: Float32Array, logZ: number, q: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const logP = logits[i]! - logZ;
    const p = Math.exp(logP);
    if (p > 0) sum += p * (logP - Math.log(Math.max(q[i]!, LEAST)));
  }
  return Number.isNaN(sum) ? Infinity : Math.max(0, sum);
}

function logSumExp(row: Float32Array): number {
  let most = -Infinity;
  for (const value of row) most = Math.max(most, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - most);
  return most + Math.log(sum);
}

interface Texts {
  /** Plain ones, which every reader of the tokenizer must split alike. */
  fixed: readonly string[];
  /** Of the user's rows. */
  heldOut: readonly string[];
  /** Whether the plan has told that llama.cpp reads some texts otherwise (GgufTokenizer.notes). */
  differencesKnown: boolean;
}

/** Texts whose ids differ, what is put around a text, and tokens that end an answer here and not there. */
export function tokenProblems(
  { fixed, heldOut, differencesKnown }: Texts,
  ours: TextTokenizer,
  theirs: LlamacppModel,
  endIds: readonly number[],
): { texts: number; equalTexts: number; problems: string[] } {
  const isOther = (text: string): boolean =>
    ours.encode(text, { addSpecialTokens: false }).join() !== theirs.tokenize(text, true).join();
  const different = { fixed: fixed.filter(isOther), heldOut: heldOut.filter(isOther) };
  const wrong = [...different.fixed, ...(differencesKnown ? [] : different.heldOut)];
  const [first] = wrong;
  const texts = fixed.length + heldOut.length;
  return {
    texts,
    equalTexts: texts - different.fixed.length - different.heldOut.length,
    problems: [
      ...(first === undefined ? [] : [`llama.cpp splits ${wrong.length} texts into other tokens, as ${shown(first)}`]),
      ...(isFramedAlike(ours, theirs) ? [] : ['llama.cpp puts other tokens around a text']),
      ...namedEnds(ours, endIds)
        .filter((id) => !theirs.isEnd(id))
        .map((id) => `llama.cpp does not end at ${ours.decode([id], { skipSpecialTokens: false })}`),
    ],
  };
}

/** As far as a file can say it: one BOS, one EOS, or nothing; anything else is told in the plan. */
function isFramedAlike(ours: TextTokenizer, theirs: LlamacppModel): boolean {
  const before = ours.encodePrompt('');
  const after = ours.encode('').slice(before.length);
  const isSaid = (own: number[], role: number | undefined): boolean => own.length === 0 || own.join() === `${role}`;
  return (
    (!isSaid(before, ours.bosId) || before.join() === theirs.frame.before.join()) &&
    (!isSaid(after, ours.eosId) || after.join() === theirs.frame.after.join())
  );
}

/** The EOS and the two others that a file names (gguf/tokenizer/specialTokens.ts). */
function namedEnds({ eosId, eosIds }: TextTokenizer, endIds: readonly number[]): number[] {
  const main = eosId ?? eosIds[0];
  const others = [...new Set([...endIds, ...eosIds])].filter((id) => id !== main);
  return [...(main === undefined ? [] : [main]), ...others.slice(0, 2)];
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
