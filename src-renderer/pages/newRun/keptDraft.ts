/**
 * The draft of a new run that the browser kept; what is no draft of this version, or a damaged one, counts as nothing.
 */
import { freshDraft, STEPS, VERSION, type Draft } from './draft.ts';
import { PRESETS } from '../../lib/runs/presets.ts';
import { FIT_PARTS } from '../../../src-shared/plan.ts';
import { METHOD_TYPES, METHODS } from '../../../src-shared/methods/registry.ts';
import { OBJECTIVE_TYPES, OBJECTIVES } from '../../../src-shared/objectives.ts';
import type { Settings } from '../../../src-shared/settings/setting.ts';
import { isKnown } from './methodForm.ts';
import { OBJECTIVE_CHOICES } from './objectiveForm.ts';

/**
 * What was kept, or a fresh draft. A field that is missing (an empty number box is not written) is as in a fresh one.
 */
export function parseDraft(text: string | null): Draft {
  const fresh = freshDraft();
  if (text === null) return fresh;
  try {
    const kept: unknown = JSON.parse(text);
    return isDraft(kept, fresh) ? { ...fresh, ...kept } : fresh;
  } catch {
    return fresh;
  }
}

/** Fields whose values, or all of them, the pages look up in a list. */
const LISTS: Partial<Record<keyof Draft, readonly string[]>> = {
  step: STEPS,
  method: METHOD_TYPES,
  objective: ['auto', ...OBJECTIVE_CHOICES],
  preset: [...PRESETS, 'custom'],
  lengthIn: ['steps', 'epochs'],
  lossOn: ['completion', 'all'],
  byHand: FIT_PARTS,
};

function isDraft(kept: unknown, fresh: Draft): kept is Partial<Draft> {
  if (!isRecord(kept) || kept['version'] !== VERSION) return false;
  return Object.entries(fresh).every(([field, usual]: [string, unknown]) => {
    const value = kept[field];
    const list = LISTS[field as keyof Draft];
    return (
      value === undefined ||
      (field === 'excluded'
        ? isExcluded(value)
        : field === 'settings'
          ? isEntered(METHODS, value)
          : field === 'objectiveSettings'
            ? isEntered(
                OBJECTIVE_TYPES.map((type) => OBJECTIVES[type]),
                value,
              )
            : isLike(value, usual) &&
              (list === undefined || [value].flat().every((item) => list.includes(String(item)))))
    );
  });
}

/** Of the same kind as the usual value; what is usually absent is a number. */
function isLike(value: unknown, usual: unknown): boolean {
  if (Array.isArray(usual)) return Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (!isRecord(usual)) return typeof value === typeof (usual ?? 0);
  if (!isRecord(value)) return false;
  const known = Object.keys(usual);
  // The ranks and alphas of single matrices have names of their own.
  return Object.entries(value).every(([name, item]) =>
    known.length === 0 ? typeof item === 'number' : !known.includes(name) || isLike(item, usual[name]),
  );
}

/** An empty number box is not written. */
function isEntered(forms: readonly { settings: Settings }[], value: unknown): boolean {
  return isRecord(value) && Object.entries(value).every(([name, item]) => isKnown(forms, name, item));
}

function isExcluded(value: unknown): boolean {
  return (
    value === null ||
    (isRecord(value) &&
      typeof value['version'] === 'number' &&
      Array.isArray(value['lines']) &&
      value['lines'].every((line) => typeof line === 'number'))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
