/** Choices between answers, as they are made here: how many there are, and the datasets made of them. */
import { api, type Dataset } from '../../lib/api.ts';
import type { ChoiceKind, ChoicePrompt } from '../../../src-shared/choices.ts';
import { counted } from '../../../src-shared/plural.ts';
import { hashFor } from '../../../src-shared/routes.ts';
import { Action } from '../../lib/action.svelte.ts';
import { Resource } from '../../lib/resource.svelte.ts';
import { toasts } from '../../lib/toasts.svelte.ts';
import type { Answer } from './answer.svelte.ts';

export class Choices {
  readonly counts = new Resource(() => api.choices.counts.query());
  readonly acting = new Action();
  /** Of an answer that is being edited. */
  readonly editing = new Action();

  /** The same thumb again takes it back. */
  async mark(answer: Answer, prompt: ChoicePrompt, wanted: boolean): Promise<void> {
    const good = answer.mark === wanted ? null : wanted;
    const { text } = answer;
    const counts = await this.acting.run(() => api.choices.mark.mutate({ prompt, answer: text, good }));
    if (!counts) return;
    answer.mark = good;
    this.counts.data = counts;
  }

  /** True when it was kept. */
  async edit(answer: Answer, prompt: ChoicePrompt, edited: string): Promise<boolean> {
    const original = answer.original ?? answer.text;
    const counts = await this.editing.run(() => api.choices.edit.mutate({ prompt, original, edited }));
    if (!counts) return false;
    answer.edit(edited);
    this.counts.data = counts;
    return true;
  }

  async makeDataset(kind: ChoiceKind): Promise<void> {
    const before = this.counts.data?.datasets[kind];
    const made = await this.acting.run(() => api.choices.makeDataset.mutate({ kind }));
    if (!made) return;
    toasts.show({
      text: madeText(made, before?.version),
      tone: 'good',
      action: { label: 'Open it', run: () => void (window.location.hash = hashFor('datasets', made.id)) },
    });
    await this.counts.load();
  }

  async clear(kind: ChoiceKind): Promise<void> {
    const counts = await this.acting.run(() => api.choices.clear.mutate({ kind }));
    if (counts) this.counts.data = counts;
  }
}

function madeText({ name, version, rows }: Dataset, before: number | undefined): string {
  if (version === before) return `${name} has all of them already.`;
  if (before !== undefined) return `Version ${version} of ${name} has ${counted(rows, ['row', 'rows'])}.`;
  return `${name} is a dataset now, with ${counted(rows, ['row', 'rows'])}.`;
}
