/** Entry of a thread that reads dataset files, and looks at all rows of one, for rowThreads.ts. */
import { answerQuestions } from '../threads/answerQuestions.ts';
import type { ColumnMap, FileRules } from '../../src-shared/datasets.ts';
import type { Recipe } from '../../src-shared/recipes.ts';
import { distinctValues } from './recipe/distinct.ts';
import { previewRecipe } from './recipe/previewRecipe.ts';
import { writeRecipe } from './recipe/writeRecipe.ts';
import { readIndex } from './readIndex.ts';
import { RowIndex, type IndexContent } from './rowIndex.ts';
import { surveyRows } from './survey.ts';
import { loadTokenizer, type TextTokenizer } from './tokenizer.ts';

/** `fd`: the file of rows, which the other end opened. */
export type RowQuestion = { fd: number } & (
  | { kind: 'read'; file: string; rules: FileRules; dir: string }
  | { kind: 'survey'; content: IndexContent; map: ColumnMap }
  | { kind: 'matches'; content: IndexContent; text: string }
  | { kind: 'distinct'; content: IndexContent; column: string }
  | ({ kind: 'previewRecipe' } & RecipeQuestion)
  | ({ kind: 'writeRecipe'; file: string } & RecipeQuestion)
);

interface RecipeQuestion {
  content: IndexContent;
  recipe: Recipe;
  /** Where scratch files lie. */
  dir: string;
  /** Folder of the model whose tokens are counted. */
  tokenizerDir?: string | undefined;
}

/** Time between two signs of progress. */
const TELL_MS = 100;

answerQuestions<RowQuestion>(async (question, tell) => {
  // Bytes of a file that is read, rows where a recipe is carried out.
  let done = 0;
  let told = performance.now();
  const goOn = (): void => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    tell(done);
  };
  switch (question.kind) {
    case 'read': {
      const onProgress = (bytes: number): void => void (done = bytes);
      return readIndex(question.file, question, { ...question.rules, onProgress, onRow: goOn, onBytes: goOn });
    }
    case 'survey':
      return surveyRows(indexOf(question.content, question.fd), question.map, goOn);
    case 'matches':
      return sharedNumbers(await indexOf(question.content, question.fd).matches(question.text, goOn));
    case 'distinct':
      return distinctValues(indexOf(question.content, question.fd), question.column, goOn);
    case 'previewRecipe':
      return previewRecipe(question.recipe, indexOf(question.content, question.fd), {
        dir: question.dir,
        tokenizer: tokenizerOf(question),
        onRow: goOn,
      });
    case 'writeRecipe': {
      const { content, recipe, file, dir } = question;
      const index = indexOf(content, question.fd);
      const { count, columns } = index;
      const onRow = (): void => {
        done++;
        goOn();
      };
      const source = { rows: index.rows(), count, columns, dir, tokenizer: tokenizerOf(question), onRow, traced: 0 };
      return writeRecipe(recipe, source, { file, onWritten: goOn });
    }
  }
});

function tokenizerOf({ recipe, tokenizerDir }: RecipeQuestion): TextTokenizer | undefined {
  const counts = recipe.length?.on === true && recipe.length.unit === 'tokens';
  return counts && tokenizerDir !== undefined ? loadTokenizer(tokenizerDir) : undefined;
}

/** The other end keeps the file open until this one has answered, or has ended. */
function indexOf(content: IndexContent, fd: number): RowIndex {
  return new RowIndex(content, { fd, isOpen: true, hold: () => () => undefined, close: () => undefined });
}

function sharedNumbers(numbers: readonly number[]): Int32Array {
  const shared = new Int32Array(new SharedArrayBuffer(4 * numbers.length));
  shared.set(numbers);
  return shared;
}
