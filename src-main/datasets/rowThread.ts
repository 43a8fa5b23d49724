/** Entry of a thread that reads dataset files, and looks at all rows of one, for rowThreads.ts. */
import { answerQuestions } from '../threads/answerQuestions.ts';
import type { ColumnMap, FileRules } from '../../src-shared/datasets.ts';
import { readIndex } from './readIndex.ts';
import { RowIndex, type IndexContent } from './rowIndex.ts';
import { surveyRows } from './survey.ts';

/** `fd`: the file of rows, which the other end opened. */
export type RowQuestion = { fd: number } & (
  | { kind: 'read'; file: string; rules: FileRules; dir: string }
  | { kind: 'survey'; content: IndexContent; map: ColumnMap }
  | { kind: 'matches'; content: IndexContent; text: string }
);

/** Time between two signs of progress. */
const TELL_MS = 100;

answerQuestions<RowQuestion>(async (question, tell) => {
  let doneBytes = 0;
  let told = performance.now();
  const goOn = (): void => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    tell(doneBytes);
  };
  switch (question.kind) {
    case 'read': {
      const onProgress = (bytes: number): void => void (doneBytes = bytes);
      return readIndex(question.file, question, { ...question.rules, onProgress, onRow: goOn, onBytes: goOn });
    }
    case 'survey':
      return surveyRows(indexOf(question.content, question.fd), question.map, goOn);
    case 'matches':
      return sharedNumbers(await indexOf(question.content, question.fd).matches(question.text, goOn));
  }
});

/** The other end keeps the file open until this one has answered, or has ended. */
function indexOf(content: IndexContent, fd: number): RowIndex {
  return new RowIndex(content, { fd, isOpen: true, hold: () => () => undefined, close: () => undefined });
}

function sharedNumbers(numbers: readonly number[]): Int32Array {
  const shared = new Int32Array(new SharedArrayBuffer(4 * numbers.length));
  shared.set(numbers);
  return shared;
}
