/** What a study is to compare, as the dialog holds it: the plan, its values as they are typed, and the seeds. */
import { kindOf } from '../../../src-shared/settings/setting.ts';
import { variableSettings, type StudyPlan } from '../../../src-shared/studies.ts';
import { ALONE, api, type StartRun, type StartStudy, type StudyPreview, type StudyView } from '../../lib/api.ts';
import { Action } from '../../lib/action.svelte.ts';
import { failureOf } from '../../lib/stream.ts';

/** How long typing must rest before the variants are asked for. */
const REST_MS = 300;

export type PlanKind = StudyPlan['kind'];

export class Comparison {
  kind = $state<PlanKind>('ranks');
  ranks = $state('');
  /** Of the grid: settings by name with their values as typed. */
  axes = $state<{ name: string; values: string }[]>([{ name: 'lr', values: '' }]);
  seeds = $state('0, 1, 2');
  halving = $state(false);
  /** Name of the target that trains the runs; empty: this machine. */
  target = $state('');
  preview = $state.raw<StudyPreview | undefined>();
  error = $state<string | undefined>();
  readonly starting = new Action();
  readonly #base: StartRun;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(base: StartRun) {
    this.#base = base;
    this.target = base.target ?? '';
  }

  /** Settings that can be varied, with their labels. */
  get choices(): { name: string; label: string; hint: string }[] {
    return Object.entries(variableSettings(this.#base.method.type)).flatMap(([name, setting]) => {
      const kind = kindOf(setting);
      if (!['number', 'choice', 'switch', 'choices'].includes(kind)) return [];
      const hint = { switch: 'on, off', choices: 'q+v, q+k+v+o', choice: 'names' }[kind as string] ?? '';
      return [{ name, label: setting.label, hint }];
    });
  }

  request(): StartStudy {
    return {
      base: this.#base,
      plan: this.#plan(),
      seeds: seedsOf(this.seeds),
      halving: this.halving,
      skipInvalid: true,
    };
  }

  /** Asks what the study comes to, once typing rests. */
  ask(): void {
    const request = this.request();
    const mine = ++this.#asked;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(request, mine), REST_MS);
  }

  close(): void {
    this.#asked++;
    clearTimeout(this.#timer);
  }

  start(): Promise<StudyView | undefined> {
    const target = this.target === '' ? {} : { target: this.target };
    return this.starting.run(() => api.studies.start.mutate({ ...this.request(), ...target }));
  }

  async #read(request: StartStudy, mine: number): Promise<void> {
    const empty = request.plan.kind === 'grid' && Object.keys(request.plan.vary).length === 0;
    if (empty) return this.#show(mine, undefined, undefined);
    try {
      this.#show(mine, await api.studies.preview.query(request, ALONE), undefined);
    } catch (error) {
      this.#show(mine, undefined, failureOf(error).message);
    }
  }

  #show(mine: number, preview: StudyPreview | undefined, error: string | undefined): void {
    if (mine !== this.#asked) return;
    this.preview = preview;
    this.error = error;
  }

  #plan(): StudyPlan {
    if (this.kind === 'targets') return { kind: 'targets' };
    if (this.kind === 'ranks') {
      const ranks = listed(this.ranks).map(Number);
      return ranks.length > 0 ? { kind: 'ranks', ranks } : { kind: 'ranks' };
    }
    const axes = this.axes.filter(({ values }) => listed(values).length > 0);
    return {
      kind: 'grid',
      vary: Object.fromEntries(axes.map(({ name, values }) => [name, this.#values(name, values)])),
    };
  }

  /** What is no such value stays as it was typed, and is refused with a sentence. */
  #values(name: string, text: string): unknown[] {
    const setting = variableSettings(this.#base.method.type)[name];
    const kind = setting && kindOf(setting);
    return listed(text).map((value) => {
      if (kind === 'number') return Number.isNaN(Number(value)) ? value : Number(value) * (setting?.unit?.size ?? 1);
      if (kind === 'switch') return { on: true, off: false }[value] ?? value;
      return kind === 'choices' ? value.split('+').map((part) => part.trim()) : value;
    });
  }
}

function listed(text: string): string[] {
  return text
    .split(/[,;\s]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function seedsOf(text: string): number[] {
  return listed(text).map(Number);
}
