/** Entry of a thread that tokenises stretches of files, for tokenThreads.ts. */
import { answerQuestions } from '../../threads/answerQuestions.ts';
import { LastTokenizer } from '../lastTokenizer.ts';
import { tokeniseBlock, type BlockQuestion } from './tokeniseBlock.ts';

/** Time between two signs of progress. */
const TELL_MS = 1000;

const last = new LastTokenizer();

answerQuestions<BlockQuestion>((question, tell) => {
  let told = performance.now();
  return tokeniseBlock(question, last.of(question.rules.modelDir), () => {
    if (performance.now() - told < TELL_MS) return;
    told = performance.now();
    tell(null);
  });
});
