/**
 * What Graft chooses by itself so that a run fits. It stands beside the draft, which stays as the user has it: the run
 * is asked for with it, the fields show it, and dropping it brings the draft back.
 */
import { fitChanges } from '../../../src-shared/fit.ts';
import type { FitPart, FitResult, FitRow, FitSettings, MemoryRoom } from '../../../src-shared/plan.ts';
import { formatBytes } from '../../lib/format.ts';
import type { Draft } from './draft.ts';

export interface FitChoice {
  asked: FitResult['asked'];
  chosen: FitRow;
}

/** The settings alone. */
export function settingsOf({ chosen }: FitChoice): FitSettings {
  const { baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing, maxLength } = chosen;
  return { baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing, maxLength };
}

/** As FitSettings; undefined while a number box is empty. */
export type EnteredFit = { [Part in keyof FitSettings]: FitSettings[Part] | undefined };

/** Undefined where the run fits as it is, or nothing helps that may be changed. */
export function choiceOf({ asked, chosen }: FitResult): FitChoice | undefined {
  return chosen && fitChanges(asked, chosen).length > 0 ? { asked, chosen } : undefined;
}

export function enteredFit({ baseDtype, embeddingDtype, train, maxLength }: Draft): EnteredFit {
  const { batch, accumulate, gradientCheckpointing } = train;
  return { baseDtype, embeddingDtype, batch, accumulate, gradientCheckpointing, maxLength };
}

/** Writes settings into the draft as the user's own. */
export function enterFit(draft: Draft, changes: Partial<EnteredFit>): void {
  const { baseDtype, embeddingDtype, ...others } = changes;
  const { batch, accumulate, gradientCheckpointing, maxLength } = others;
  if (baseDtype) draft.baseDtype = baseDtype;
  if (embeddingDtype) draft.embeddingDtype = embeddingDtype;
  if ('batch' in changes) draft.train.batch = batch;
  if ('accumulate' in changes) draft.train.accumulate = accumulate;
  if ('gradientCheckpointing' in changes) draft.train.gradientCheckpointing = gradientCheckpointing;
  if ('maxLength' in changes) draft.maxLength = maxLength;
  draft.byHand = [...new Set([...draft.byHand, ...Object.keys(changes).map((name) => partOf(name))])];
}

const partOf = (name: string): FitPart => (name === 'accumulate' ? 'batch' : (name as FitPart));

/** One sentence: for what, and what was changed. */
export function choiceText({ asked, chosen }: FitChoice, room: MemoryRoom | null): string {
  const changes = fitChanges(asked, chosen).map(({ what }) => what);
  return `${reasonFor(asked, room)}: ${changes.join('; ')}.`;
}

function reasonFor({ binds }: FitResult['asked'], room: MemoryRoom | null): string {
  if (!binds || !room) return 'So that every buffer is one that the graphics card can bind';
  const free = formatBytes(room.freeBytes);
  return room.heldBytes === null
    ? `To fit into the ${free} that this run may take`
    : `To fit into the ${free} that are free`;
}
