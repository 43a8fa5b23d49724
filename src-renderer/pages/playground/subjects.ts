/**
 * Who can answer in the playground: the plain base, every adapter made for it, and the half-trained adapter of a paused
 * run.
 */
import { descriptorOf } from '../../../src-shared/methods/registry.ts';
import type { AdapterView, RegisteredModel, RunView, TaskView } from '../../lib/api.ts';
import { formatDate, methodLabel } from '../../lib/format.ts';

export interface Subject {
  /** Id of the adapter or run; empty: the plain base. */
  key: string;
  name: string;
  /** What tells it from others of its name. */
  detail: string;
  kind: 'base' | 'adapter' | 'run';
  /** Its task, and whether it is the active adapter there. */
  task?: string;
  active: boolean;
  /** Can be decoded in one batch with others. */
  batched: boolean;
  /** How its training put questions, where that is known. */
  promptTemplate?: AdapterView['promptTemplate'];
}

export const BASE: Subject = {
  key: '',
  name: 'Plain base',
  detail: 'without an adapter',
  kind: 'base',
  active: false,
  batched: true,
};

/** What the engine's mixed batch can hold. */
function isBatched({ method }: Pick<AdapterView, 'method'>): boolean {
  return descriptorOf(method.type).batched?.(method) ?? false;
}

/** Everyone on this base: itself, the adapters by task, then half-trained ones. */
export function subjectsOf(
  model: RegisteredModel | undefined,
  adapters: readonly AdapterView[],
  runs: readonly RunView[],
): Subject[] {
  if (!model) return [];
  const fitting = adapters.filter((adapter) => adapter.modelId === model.id || adapter.baseHash === model.hash);
  const half = runs.filter((run) => run.modelId === model.id && run.interimAdapterDir !== null);
  return [
    BASE,
    ...fitting.map((adapter): Subject => ({
      key: adapter.id,
      name: adapter.name,
      detail: `${methodLabel(adapter.methodText)}, ${formatDate(adapter.createdAt)}`,
      kind: 'adapter',
      task: adapter.taskName,
      active: adapter.active,
      batched: isBatched(adapter),
      promptTemplate: adapter.promptTemplate,
    })),
    ...half.map((run): Subject => ({
      key: run.id,
      name: `half-trained: ${run.name} at step ${run.interim?.steps}`,
      detail: 'the adapter that the pause saved',
      kind: 'run',
      active: false,
      batched: false,
    })),
  ];
}

/** An adapter made for another base, which must be loaded first. */
export interface ElsewhereSubject {
  key: string;
  name: string;
  detail: string;
  /** It is the active adapter of its task. */
  active: boolean;
  base: RegisteredModel;
}

/** Adapters of the other registered bases, the active ones first; of several models with the same weights one. */
export function elsewhereOf(
  model: RegisteredModel | undefined,
  models: readonly RegisteredModel[],
  adapters: readonly AdapterView[],
): ElsewhereSubject[] {
  const found = adapters.flatMap((adapter): ElsewhereSubject[] => {
    const base =
      models.find(({ id }) => id === adapter.modelId) ?? models.find(({ hash }) => hash === adapter.baseHash);
    if (!base || base.id === model?.id || base.hash === model?.hash) return [];
    const { id: key, active, taskName, methodText, createdAt } = adapter;
    const name = adapter.name === taskName ? taskName : `${taskName}: ${adapter.name}`;
    return [{ key, name, detail: `${methodLabel(methodText)}, ${formatDate(createdAt)}`, active, base }];
  });
  return found.sort((a, b) => Number(b.active) - Number(a.active));
}

/**
 * The base, the active adapter of each task in the order of the tasks, then half-trained ones: what one click or key
 * reaches.
 */
export function switchRow(subjects: readonly Subject[], tasks: readonly TaskView[]): Subject[] {
  const active = tasks.flatMap((task) => subjects.filter(({ key }) => key !== '' && key === task.activeAdapterId));
  return [
    ...subjects.filter(({ kind }) => kind === 'base'),
    ...active.map((one) => ({ ...one, name: one.task ?? one.name })),
    ...subjects.filter(({ kind }) => kind === 'run'),
  ];
}
