import { describe, expect, it } from 'vitest';
import { Contamination, MOST_ROWS, NGRAM_WORDS } from './contamination.ts';

const counted = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `w${from + i}`).join(' ');

describe('contamination', () => {
  it('finds the same row but for case, punctuation and white space, and the same question with another answer', () => {
    const found = new Contamination([
      { prompt: 'What is it?', answers: ['A cat.', 'A dog.'] },
      { prompt: 'Who?', answers: ['Ann'] },
      { prompt: 'When?', answers: ['Now'] },
    ]);
    found.add({ prompt: 'what  IS it', answers: ['a dog'] });
    found.add({ prompt: 'Who?', answers: ['Bob'] });
    expect(found.overlap()).toEqual({ exact: [0], prompt: [1], ngram: [] });
  });

  it(`finds ${NGRAM_WORDS} words in a row, and not one fewer`, () => {
    const questions = [{ prompt: counted(0, 10), answers: [counted(10, 10)] }];
    const near = new Contamination(questions);
    near.add({ prompt: `x ${counted(4, 12)} y`, answers: ['z'] });
    expect(near.overlap()).toEqual({ exact: [], prompt: [], ngram: [] });
    const shared = new Contamination(questions);
    // Over the boundary of question and answer on both sides, with punctuation that does not count.
    shared.add({ prompt: `x ${counted(4, 7)},`, answers: [`${counted(11, 6).toUpperCase()}! y`] });
    expect(shared.overlap()).toEqual({ exact: [], prompt: [], ngram: [0] });
  });

  it('keeps the strongest kind of a question, whichever comes first', () => {
    const long = { prompt: counted(0, 20), answers: ['yes'] };
    for (const order of [
      [{ prompt: `a ${long.prompt}`, answers: ['b'] }, long],
      [long, { prompt: `a ${long.prompt}`, answers: ['b'] }],
    ]) {
      const found = new Contamination([long]);
      order.forEach((row) => found.add(row));
      expect(found.overlap()).toEqual({ exact: [0], prompt: [], ngram: [] });
    }
  });

  it(`passes over words of more than ${MOST_ROWS} training rows as boilerplate`, () => {
    const frame = counted(0, 15);
    const added = (rows: number) => {
      const found = new Contamination([{ prompt: `${frame} one`, answers: ['x'] }]);
      for (let row = 0; row < rows; row++) found.add({ prompt: `${frame} row ${row}`, answers: ['y'] });
      return found.overlap().ngram;
    };
    expect(added(MOST_ROWS)).toEqual([0]);
    expect(added(MOST_ROWS + 1)).toEqual([]);
  });

  it('an empty question is not the same as another', () => {
    const found = new Contamination([{ prompt: '', answers: ['a'] }]);
    found.add({ prompt: '', answers: ['b'] });
    expect(found.overlap()).toEqual({ exact: [], prompt: [], ngram: [] });
  });
});
