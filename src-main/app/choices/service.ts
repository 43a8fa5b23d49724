/** Choices between answers of the playground: kept as they are made, then made into a dataset. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ChoicePair } from '../../catalog/choices.ts';
import type { Dataset } from '../../catalog/datasets.ts';
import type { ChoiceCounts, ChoiceDataset, ChoiceKind, DrawnPrompts } from '../../../src-shared/choices.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { counted } from '../../../src-shared/plural.ts';
import { writeOwnFile } from '../datasets/ownFile.ts';
import type { DatasetService } from '../datasets/service.ts';
import type { DatasetVersions } from '../datasets/versions.ts';
import type { Home } from '../storage/home.ts';
import type { drawPromptsSchema, editSchema, markSchema } from './inputs.ts';
import { drawPrompts } from './prompts.ts';

/** Of datasets that nobody has renamed. */
const NAMES: Record<ChoiceKind, string> = { pairs: 'Playground choices', marks: 'Playground thumbs' };

export class ChoiceService {
  #home: Home;
  #catalog: Catalog;
  #datasets: DatasetService;
  #versions: DatasetVersions;

  constructor(parts: { home: Home; catalog: Catalog; datasets: DatasetService; versions: DatasetVersions }) {
    this.#home = parts.home;
    this.#catalog = parts.catalog;
    this.#datasets = parts.datasets;
    this.#versions = parts.versions;
  }

  counts(): ChoiceCounts {
    const view = (kind: ChoiceKind): ChoiceDataset | null => {
      const dataset = this.#dataset(kind);
      return dataset ? { id: dataset.id, name: dataset.name, version: dataset.version } : null;
    };
    return { ...this.#catalog.choices.counts(), datasets: { pairs: view('pairs'), marks: view('marks') } };
  }

  /** Prompts to choose answers to. Throws DATASET_NOT_FOUND, CHOICES_NO_PROMPTS, and what reading a file throws. */
  async prompts({ datasetId, count, seed }: z.output<typeof drawPromptsSchema>): Promise<DrawnPrompts> {
    const dataset = this.#datasets.require(datasetId);
    const { files } = this.#datasets;
    const open = { name: dataset.name, survey: await files.survey(dataset), index: await files.index(dataset) };
    const decided = this.#catalog.choices.pairs().map(({ prompt }) => prompt);
    return drawPrompts(open, { count, seed, decided });
  }

  /** The best of several answers is chosen over each that says something else. */
  vote(prompt: ChoicePair['prompt'], answers: readonly string[], best: number): ChoiceCounts {
    const chosen = answers[best] ?? '';
    const others = answers.filter((answer) => answer.trim() !== chosen.trim());
    const pairs = isSaid(chosen) ? others.filter(isSaid).map((rejected) => ({ prompt, chosen, rejected })) : [];
    this.#catalog.choices.putPairs(pairs, 'vote', now());
    return this.counts();
  }

  /** What the answer should have been is chosen over what it was. Throws EMPTY_ANSWER or CHOICE_SAME. */
  edit({ prompt, original, edited }: z.output<typeof editSchema>): ChoiceCounts {
    if (!isSaid(edited)) throw usageError('EMPTY_ANSWER', 'The answer is empty; write what it should have been.');
    if (edited.trim() === original.trim())
      throw usageError('CHOICE_SAME', 'The answer is as it was; change what should have been otherwise.');
    this.#catalog.choices.putPairs([{ prompt, chosen: edited, rejected: original }], 'edit', now());
    return this.counts();
  }

  /** A thumb for one answer; null takes it back. Throws EMPTY_ANSWER. */
  mark({ prompt, answer, good }: z.output<typeof markSchema>): ChoiceCounts {
    if (!isSaid(answer)) throw usageError('EMPTY_ANSWER', 'The answer is empty, so that there is nothing to learn.');
    if (good === null) this.#catalog.choices.dropMark(prompt, answer);
    else this.#catalog.choices.putMark({ prompt, answer, good }, now());
    return this.counts();
  }

  clear(kind: ChoiceKind): ChoiceCounts {
    this.#catalog.choices.clear(kind);
    return this.counts();
  }

  /**
   * A dataset of all of them, or a new version of the one that was made before; the same where nothing has been added
   * since. Throws a usage error CHOICES_NONE.
   */
  async makeDataset(kind: ChoiceKind): Promise<Dataset> {
    const rows = this.#rows(kind);
    if (rows.length === 0)
      throw usageError('CHOICES_NONE', 'There are no choices yet; vote, edit an answer or give it a thumb first.');
    const content = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    const before = this.#dataset(kind);
    if (before?.hash === createHash('sha256').update(content).digest('hex')) return before;
    if (before) return this.#versions.addWhole(before, content, `${counted(rows.length, 'choice')} of the playground`);
    const file = await writeOwnFile(this.#home, `${NAMES[kind]}.jsonl`, (target) => fs.writeFileSync(target, content));
    const made = await this.#datasets.add({ file, name: NAMES[kind], map: {}, allowBadRows: true });
    this.#catalog.choices.setDataset(kind, made.id);
    return made;
  }

  #rows(kind: ChoiceKind): object[] {
    const { choices } = this.#catalog;
    if (kind === 'pairs') return choices.pairs();
    return choices.marks().map(({ prompt, answer, good }) => ({ prompt, completion: answer, label: good }));
  }

  /** Undefined where none was made, or it has been removed since. */
  #dataset(kind: ChoiceKind): Dataset | undefined {
    const id = this.#catalog.choices.dataset(kind);
    return id === undefined ? undefined : this.#catalog.datasets.get(id);
  }
}

function isSaid(answer: string): boolean {
  return answer.trim() !== '';
}

function now(): string {
  return new Date().toISOString();
}
