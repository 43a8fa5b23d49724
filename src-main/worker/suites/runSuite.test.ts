/** A suite on a small model: beside the same answers one by one, the losses of `evaluate`, and probabilities. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { randomAdapter } from '../../../test-support/fixtures/adapters.ts';
import { temporaryFolder } from '../../../test-support/fixtures/folders.ts';
import { writeTinyModel } from '../../../test-support/fixtures/tinyModel.ts';
import { dataSpecSchema } from '../../../src-shared/runSpec.ts';
import type { MeasuredSubject, RunSuiteParams, SuiteQuestion } from '../../../src-shared/suites.ts';
import { useBackend } from '../backend.ts';
import { CallControl } from '../control.ts';
import { Resident } from '../serve/resident.ts';
import { evaluate } from '../verify/evaluate.ts';
import { runSuite } from './runSuite.ts';

const PLAN = { kind: 'completion', columns: { prompt: 'prompt', completion: 'completion' } } as const;
const GENERATION = { maxNew: 6, temperature: 0, seed: 0, stop: [] };

beforeAll(async () => void (await useBackend('wasm')));

let dir: string;
let modelDir: string;
let adapterDir: string;
let otherDir: string;
beforeEach(async () => {
  dir = temporaryFolder();
  modelDir = await writeTinyModel(path.join(dir, 'model'));
  adapterDir = await randomAdapter(modelDir, ['q', 'v'], 1);
  otherDir = await randomAdapter(modelDir, ['q', 'down'], 2);
});

function question(prompt: string, references: string[], line = 1): SuiteQuestion {
  return { line, prompt, references, values: { prompt, completion: references[0] } };
}

const QUESTIONS = ['ab', 'one two', 'x'.repeat(9), 'cab', 'of'].map((prompt, i) =>
  question(prompt, [` ${'abcde'[i]!}b`], i + 1),
);

function run(
  given: Partial<RunSuiteParams> & Pick<RunSuiteParams, 'subjects'>,
  control = new CallControl(),
  emit: (event: { done: number; total: number }) => void = () => undefined,
): Promise<MeasuredSubject[]> {
  const spec = { task: 'answer', metrics: ['exactMatch', 'loss'], generation: GENERATION, plan: PLAN } as const;
  const params = { engine: 'wasm', modelDir, spec: { ...spec, metrics: [...spec.metrics] }, questions: QUESTIONS };
  return runSuite({ ...params, ...given } as RunSuiteParams, emit, control);
}

describe('a suite of answers', () => {
  it('answers each subject as it answers alone, and says how far it is', async () => {
    const events: number[] = [];
    const subjects = [null, adapterDir, otherDir].map((one) => ({ adapterDir: one }));
    const measured = await run({ subjects }, undefined, ({ done, total }) => events.push(done / total));
    const resident = new Resident();
    await resident.load({ engine: 'wasm', modelDir });
    for (const [i, subject] of [null, adapterDir, otherDir].entries()) {
      await resident.attach(subject);
      const alone: string[] = [];
      for (const { prompt } of QUESTIONS) {
        const answer = await resident.generate({ prompt, ...GENERATION }, () => undefined, new CallControl());
        alone.push(answer.text);
      }
      expect(measured[i]!.answers.map(({ text }) => text)).toEqual(alone);
    }
    expect(new Set(measured.map(({ answers }) => JSON.stringify(answers))).size).toBe(3);
    expect(events).toEqual(Array.from({ length: 45 }, (_, i) => (i + 1) / 45));
  });

  it('measures the loss as an evaluation of the same rows does, of a general set as well', async () => {
    const general = {
      plan: { kind: 'text', columns: { text: 'text' } } as const,
      rows: [textRow('abc'), textRow('b')],
    };
    const measured = await run({ subjects: [{ adapterDir: null }, { adapterDir }], general });
    const file = path.join(dir, 'rows.jsonl');
    const evaluated = async (rows: object[], subject: string | null): Promise<number> => {
      fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
      const data = dataSpecSchema.parse({ file });
      const params = { engine: 'wasm', modelDir, data, batch: 2, ...(subject ? { adapterDir: subject } : {}) } as const;
      return (await evaluate(params, () => undefined)).loss;
    };
    for (const [i, subject] of [null, adapterDir].entries()) {
      const { loss, generalLoss } = measured[i]!.statistics;
      expect(perToken(loss!)).toBeCloseTo(
        await evaluated(
          QUESTIONS.map(({ values }) => values),
          subject,
        ),
        5,
      );
      expect(perToken(generalLoss!)).toBeCloseTo(await evaluated([{ text: 'abc' }, { text: 'b' }], subject), 5);
    }
  });

  it('counts an answer that is a reference', async () => {
    const [before] = await run({ subjects: [{ adapterDir: null }] });
    const right = before!.answers[2]!.text;
    const questions = QUESTIONS.map((one, i) => (i === 2 ? question(one.prompt, ['no', right], 3) : one));
    const [after] = await run({ subjects: [{ adapterDir: null }], questions });
    expect(after!.statistics.exactMatch).toEqual([[0], [0], [100], [0], [0]]);
  });

  it('says of a question that the model cannot see why, and answers the others', async () => {
    const questions = [question('a'.repeat(100), ['b']), QUESTIONS[0]!];
    const [measured] = await run({ subjects: [{ adapterDir: null }], questions });
    expect(measured!.answers[0]).toEqual({ text: '', problem: expect.stringMatching(/token/) as string });
    expect(measured!.answers[1]!.problem).toBeUndefined();
  });

  it('asks the base as the first adapter is asked', async () => {
    const info = path.join(adapterDir, 'graft.json');
    const graft = JSON.parse(fs.readFileSync(info, 'utf8')) as object;
    const promptTemplate = { name: 'own', template: "Q {{ messages[0]['content'] }} A" };
    fs.writeFileSync(info, JSON.stringify({ ...graft, promptTemplate }));
    const measured = await run({ subjects: [{ adapterDir: null }, { adapterDir }, { adapterDir: otherDir }] });
    expect(measured.map(({ askedAs }) => askedAs)).toEqual(['own', 'own', null]);
    const resident = new Resident();
    await resident.load({ engine: 'wasm', modelDir });
    // A token per byte; the template writes no BOS.
    const asked = { prompt: '', ids: [...Buffer.from('Q ab A')], ...GENERATION };
    const answer = await resident.generate(asked, () => undefined, new CallControl());
    expect(measured[0]!.answers[0]!.text).toBe(answer.text);
    expect((await run({ subjects: [{ adapterDir: null }] }))[0]!.askedAs).toBe('none');
  });

  it('ends without a result once it is cancelled', async () => {
    const control = new CallControl();
    const stopAfter = ({ done }: { done: number }): void => void (done === 2 && control.ask('stop'));
    await expect(run({ subjects: [{ adapterDir: null }] }, control, stopAfter)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('a suite of choices', () => {
  it('adds up the logarithms of the tokens of each choice, without an end', async () => {
    const choices = [' ab', ' b', ' cde'];
    const questions = QUESTIONS.slice(0, 2).map((one) => ({ ...one, references: [' b'], choices }));
    const spec = { task: 'choice', metrics: ['acc', 'accNorm'], generation: GENERATION, plan: PLAN } as const;
    const [measured] = await run({
      subjects: [{ adapterDir }],
      questions,
      spec: { ...spec, metrics: [...spec.metrics] },
    });
    const resident = new Resident();
    await resident.load({ engine: 'wasm', modelDir });
    await resident.attach(adapterDir);
    for (const [i, { prompt }] of questions.entries()) {
      const want: number[] = [];
      for (const choice of choices) {
        let sum = 0;
        for (let at = 0; at < choice.length; at++)
          sum += Math.log(await nextP(resident, prompt + choice.slice(0, at), choice[at]!));
        want.push(sum);
      }
      const { logLikelihoods, text } = measured!.answers[i]!;
      logLikelihoods!.forEach((value, j) => expect(value).toBeCloseTo(want[j]!, 4));
      expect(text).toBe(choices[want.indexOf(Math.max(...want))]);
      const right = Number(text === ' b') * 100;
      expect(measured!.statistics.acc![i]).toEqual([right]);
      const perCharacter = want.map((value, j) => value / choices[j]!.trim().length);
      const byLength = choices[perCharacter.indexOf(Math.max(...perCharacter))];
      expect(measured!.statistics.accNorm![i]).toEqual([Number(byLength === ' b') * 100]);
    }
  });
});

describe('what was trained on', () => {
  it('is found among the training rows, those for validation aside, and not known of a changed file', async () => {
    const file = path.join(dir, 'trained.jsonl');
    const rows = Array.from({ length: 10 }, (_, i) => ({ prompt: `question ${i}`, completion: ` a${i}` }));
    fs.writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
    const data = { ...dataSpecSchema.parse({ file, excludeLines: [1] }), allowBadRows: true };
    const questions = rows.map(({ prompt, completion }, i) => question(prompt, [completion], i + 1));
    const found = async (more: object): Promise<MeasuredSubject['contamination']> => {
      const trained = { data: { ...data, ...more }, val: 0.3, seed: 4 };
      return (await run({ subjects: [{ adapterDir, trained }], questions }))[0]!.contamination;
    };
    const overlap = await found({});
    if (!overlap || 'unknown' in overlap) throw new Error('it is known');
    // Three of ten validate, and the first is left out, be it among them or not.
    expect(overlap.exact).toHaveLength(overlap.trainRows);
    expect([6, 7]).toContain(overlap.trainRows);
    expect(overlap.exact).not.toContain(0);
    expect(await found({ hash: 'another' })).toEqual({ unknown: expect.stringMatching(/changed/) as string });
    fs.rmSync(file);
    expect(await found({})).toEqual({ unknown: expect.stringMatching(/gone/) as string });
  });
});

/** The probability of the next character, as the playground shows it. */
async function nextP(resident: Resident, prompt: string, next: string): Promise<number> {
  const params = { prompt, maxNew: 1, temperature: 0, probabilities: true, named: 300 };
  const { probabilities } = await resident.generate(params, () => undefined, new CallControl());
  return probabilities![0]!.top.find(({ text }) => text === next)!.p;
}

function textRow(text: string): Pick<SuiteQuestion, 'line' | 'values'> {
  return { line: 1, values: { text } };
}

function perToken(rows: readonly number[][]): number {
  const [sum, tokens] = [0, 1].map((i) => rows.reduce((all, row) => all + row[i]!, 0)) as [number, number];
  return sum / tokens;
}
