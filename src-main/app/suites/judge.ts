/** A registered model as judge of what two subjects have answered to a suite, beside the user's own choices. */
import type { Catalog } from '../../catalog/catalog.ts';
import { judgeReport } from '../../evaluation/judge.ts';
import type { ChoicePrompt } from '../../../src-shared/choices.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { judgeSuiteSchema, type JudgedPair, type JudgeReport, type JudgeSuite } from '../../../src-shared/judge.ts';
import { LabJobs, type LabEvent } from '../lab/jobs.ts';
import type { ModelService } from '../models/service.ts';
import type { Workers } from '../workers/client.ts';
import type { EngineService } from '../workers/engines.ts';

interface Parts {
  catalog: Catalog;
  models: ModelService;
  workers: Workers;
  engines: EngineService;
}

/** The newest choices of the user that the judge is tried on. */
const MOST_CHOICES = 100;

export class SuiteJudge {
  #parts: Parts;
  #jobs = new LabJobs();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Starts to ask the judge; `watch` follows it and ends with its report. Throws a usage error SUITE_NOT_FOUND,
   * SUITE_NOT_COMPARED, or that the model is not there.
   */
  start(input: JudgeSuite): { job: string } {
    const { id, subjectIds, judgeModelId, rubric } = judgeSuiteSchema.parse(input);
    const { models, engines, workers } = this.#parts;
    const model = models.require(judgeModelId);
    const pairs = this.#pairs(id, subjectIds);
    const own = this.#ownChoices();
    const job = [id, ...subjectIds, judgeModelId, rubric].join(' ');
    this.#jobs.start<JudgeReport>(job, async (signal, onProgress) => {
      const engine = await engines.resolve('auto');
      const params = { engine, modelDir: model.dir, rubric, pairs: [...own, ...pairs] };
      const odds = await workers.once('judge', params, onProgress, signal);
      return { judge: model.name, rubric, ...judgeReport(odds.slice(own.length), odds.slice(0, own.length)) };
    });
    return { job };
  }

  watch(job: string, signal?: AbortSignal): AsyncGenerator<Exclude<LabEvent<JudgeReport>, { type: 'failed' }>> {
    return this.#jobs.watch<JudgeReport>(job, signal);
  }

  async cancel(job: string): Promise<{ cancelled: boolean }> {
    return { cancelled: await this.#jobs.cancel(job) };
  }

  close(): void {
    this.#jobs.close();
  }

  /** Both answers to each question; a question that could not be asked has an empty one. */
  #pairs(id: string, subjectIds: readonly [string, string]): JudgedPair[] {
    const { suites } = this.#parts.catalog;
    const suite = suites.get(id) ?? suites.named(id);
    if (!suite) throw usageError('SUITE_NOT_FOUND', `There is no suite ${id}.`, { suite: id });
    const results = subjectIds.map((subjectId) => suites.result(suite.id, subjectId));
    const missing = subjectIds.find((_, i) => !results[i]);
    if (missing !== undefined)
      throw usageError('SUITE_NOT_COMPARED', `${missing} has not been measured by ${suite.name}; run it first.`, {
        suiteId: suite.id,
      });
    const [first, second] = results.map((result) => result!.answers) as [{ text: string }[], { text: string }[]];
    return suites.content(suite.id)!.questions.map(({ prompt, references }, i) => ({
      prompt,
      references,
      first: first[i]!.text,
      second: second[i]!.text,
    }));
  }

  /** The chosen answer is the first one. */
  #ownChoices(): JudgedPair[] {
    const pairs = this.#parts.catalog.choices.pairs().slice(-MOST_CHOICES);
    return pairs.map(({ prompt, chosen, rejected }) => ({
      prompt: textOf(prompt),
      first: chosen,
      second: rejected,
      references: [],
    }));
  }
}

function textOf(prompt: ChoicePrompt): string {
  if (typeof prompt === 'string') return prompt;
  return prompt.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}
