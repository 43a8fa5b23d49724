/**
 * The mildest settings with which a run fits into its memory. First whatever leaves the result as it is, then what
 * costs time, then what costs quality (docs/decisions.md): fewer rows at a time with more accumulation, blocks computed
 * again; then all of it with the base in bf16, int8 and NF4; shorter rows only where nothing else helps. Settings with
 * which the run would only barely fit are taken where no others do.
 */
import type { BaseDtype, EmbeddingDtype } from '../../../src-shared/baseDtypes.ts';
import { checkBaseDtype } from '../../../src-shared/checkBaseDtype.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import { answersPerRow } from '../../../src-shared/objectives.ts';
import type { FitPart, FitResult, FitRow, FitSettings, Verdict } from '../../../src-shared/plan.ts';
import type { Draft } from '../train/draft.ts';
import { canBind } from './checkBindings.ts';
import { estimateMemory, type Sized } from './estimate.ts';
import { fullBatch } from './largest.ts';
import { longestBatch } from './longestBatch.ts';
import { verdictOf } from './memoryRoom.ts';

/** With what the estimate needs to know of the card. */
export type PlannedDraft = Draft & Pick<Sized, 'bindingBytes'>;

interface Form {
  baseDtype: BaseDtype;
  embeddingDtype: EmbeddingDtype;
  /** Of the validation loss: the largest difference of docs/engines.md, "What packing costs in quality". */
  lossError: number;
}

/** The mildest first; bf16 is what most checkpoints hold, so it comes before anything that costs time. */
export const FORMS: readonly Form[] = [
  { baseDtype: 'f32', embeddingDtype: 'f32', lossError: 0 },
  { baseDtype: 'bf16', embeddingDtype: 'bf16', lossError: 0.0013 },
  { baseDtype: 'int8', embeddingDtype: 'int8', lossError: 0.0019 },
  { baseDtype: 'nf4', embeddingDtype: 'int8', lossError: 0.0045 },
];

/** One more forward pass beside a forward and a backward pass, which counts as two. */
const RECOMPUTING = 4 / 3;
/** Tokens at a time below which a graphics card has too little to do. */
const ENOUGH_TOKENS = 512;
const SHORTEST = 64;

/** What settings come to on this device. */
interface Tried {
  totalBytes: number;
  binds: boolean;
  verdict: Verdict;
}
type TryOut = (settings: FitSettings) => Promise<Tried>;

/**
 * `limitBytes` null: not known, and nothing is chosen unless the card cannot bind the run as it is. What is in `keep`
 * stays as it was asked for.
 */
export async function chooseFit(
  draft: PlannedDraft,
  limitBytes: number | null,
  keep: readonly FitPart[] = [],
): Promise<FitResult> {
  const asked = settingsOf(draft);
  const tryOut = onceFor((settings) => tried(draft, settings, limitBytes ?? Infinity));
  const { totalBytes, binds, verdict } = await tryOut(asked);
  const result = { limitBytes, asked: { ...asked, totalBytes, binds }, chosen: null, rows: [] };
  if (limitBytes === null && verdict !== 'does not fit') return result;
  const found = await search(draft, asked, keep, tryOut);
  const others = found.chosen || keep.length === 0 ? found : await search(draft, asked, [], tryOut);
  return { ...result, chosen: found.chosen, rows: others.rows };
}

/** Settings that were tried out already are not tried again. */
function onceFor(tryOut: TryOut): TryOut {
  const known = new Map<string, Promise<Tried>>();
  return ({ baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing, maxLength }) => {
    const settings = { baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing, maxLength };
    const key = JSON.stringify(settings);
    const result = known.get(key) ?? tryOut(settings);
    known.set(key, result);
    return result;
  };
}

async function search(
  draft: Draft,
  asked: FitSettings,
  keep: readonly FitPart[],
  tryOut: TryOut,
): Promise<Pick<FitResult, 'chosen' | 'rows'>> {
  const found: { row: FitRow; roomy: boolean }[] = [];
  for (const form of formsFor(draft, asked, keep)) {
    found.push(await mildest(asked, form, keep, tryOut));
    if (found.filter(({ roomy }) => roomy).length > 1) break; // one to compare with
  }
  const rows = found.map(({ row }) => row);
  const longAsAsked = found.find(({ roomy }) => roomy)?.row ?? rows.find(({ fits }) => fits);
  const chosen = longAsAsked ?? (keep.includes('maxLength') ? null : await shorter(rows.at(-1), tryOut));
  return { chosen, rows: chosen && !rows.includes(chosen) ? [...rows, chosen] : rows };
}

function settingsOf({ baseDtype = 'f32', embeddingDtype = 'f32', train, data }: Draft): FitSettings {
  const { batch, accumulate, gradientCheckpointing } = train;
  return { baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing, maxLength: data.maxLength };
}

/** As asked for, and the smaller ones that the method takes. */
function formsFor({ method }: Draft, asked: FitSettings, keep: readonly FitPart[]): Form[] {
  const own = Math.max(
    0,
    FORMS.findIndex(({ baseDtype }) => baseDtype === asked.baseDtype),
  );
  const { lossError } = FORMS[own]!;
  return [
    { baseDtype: asked.baseDtype, embeddingDtype: asked.embeddingDtype, lossError },
    ...FORMS.slice(own + 1).filter((form) => isAllowed(form, method.type) && keeps(form, asked, keep)),
  ];
}

function keeps(form: Form, asked: FitSettings, keep: readonly FitPart[]): boolean {
  return (['baseDtype', 'embeddingDtype'] as const).every((part) => form[part] === asked[part] || !keep.includes(part));
}

function isAllowed(form: Form, method: Draft['method']['type']): boolean {
  try {
    checkBaseDtype(form, method);
    return true;
  } catch (error) {
    if (error instanceof GraftError && error.kind === 'usage') return false;
    throw error;
  }
}

/** The first of the ladder with this form in which there is room to spare; the smallest where there is in none. */
async function mildest(
  asked: FitSettings,
  { lossError, ...form }: Form,
  keep: readonly FitPart[],
  tryOut: TryOut,
): Promise<{ row: FitRow; roomy: boolean }> {
  const ladder = ladderOf({ ...asked, ...form }, keep);
  const at = async (settings: FitSettings): Promise<{ row: FitRow; roomy: boolean }> => {
    const { totalBytes, verdict } = await tryOut(settings);
    const slower = settings.gradientCheckpointing && !asked.gradientCheckpointing ? RECOMPUTING : 1;
    const fits = verdict !== 'does not fit';
    return { row: { ...settings, totalBytes, fits, slower, lossError }, roomy: fits && verdict !== 'tight' };
  };
  const smallest = await at(ladder.at(-1) ?? asked);
  if (!smallest.roomy) return smallest;
  for (const settings of ladder.slice(0, -1)) {
    const found = await at(settings);
    if (found.roomy) return found;
  }
  return smallest;
}

/** Fewer rows at a time while there is enough to do, then blocks computed again, then down to single rows. */
function ladderOf(asked: FitSettings, keep: readonly FitPart[]): FitSettings[] {
  const batches = keep.includes('batch') ? [asked.batch] : halvesOf(asked.batch);
  const enough = batches.filter((batch) => batch === asked.batch || batch * asked.maxLength >= ENOUGH_TOKENS);
  const few = batches.filter((batch) => !enough.includes(batch));
  const rows = asked.batch * asked.accumulate;
  const at = (batch: number, gradientCheckpointing: boolean): FitSettings => ({
    ...asked,
    batch,
    accumulate: Math.max(1, Math.round(rows / batch)),
    gradientCheckpointing,
  });
  const before = asked.gradientCheckpointing;
  const after = before || !keep.includes('gradientCheckpointing');
  return [
    ...enough.map((batch) => at(batch, before)),
    ...(after === before ? [] : [at(enough.at(-1) ?? asked.batch, after)]),
    ...few.map((batch) => at(batch, after)),
  ];
}

/** 8, 4, 2, 1: those that divide the rows of a step, so that it stays the same. */
function halvesOf(batch: number): number[] {
  const halves = [batch];
  for (let half = batch; half % 2 === 0;) halves.push((half /= 2));
  return halves.at(-1) === 1 ? halves : [...halves, 1];
}

/** Rows cut in half until they fit: last of all, since what is cut off is not learnt. */
async function shorter(row: FitRow | undefined, tryOut: TryOut): Promise<FitRow | null> {
  if (!row) return null;
  for (let maxLength = Math.floor(row.maxLength / 2); maxLength >= SHORTEST; maxLength = Math.floor(maxLength / 2)) {
    const { totalBytes, verdict } = await tryOut({ ...row, maxLength });
    if (verdict !== 'does not fit') return { ...row, maxLength, totalBytes, fits: true };
  }
  return null;
}

/** On the longest batch of the run; on full rows where they are cut shorter than they were read. */
async function tried(draft: PlannedDraft, settings: FitSettings, limitBytes: number): Promise<Tried> {
  const { batch, accumulate, gradientCheckpointing, maxLength, baseDtype, embeddingDtype } = settings;
  const run = {
    ...draft,
    baseDtype,
    embeddingDtype,
    train: { ...draft.train, batch, accumulate, gradientCheckpointing },
  };
  const longest =
    maxLength < draft.data.maxLength ? fullBatch(batch * answersPerRow(run.objective), maxLength) : longestBatch(run);
  const { totalBytes } = await estimateMemory(run, longest);
  const binds = canBind(run, longest, draft.bindingBytes);
  return { totalBytes, binds, verdict: binds ? verdictOf(totalBytes, limitBytes) : 'does not fit' };
}
