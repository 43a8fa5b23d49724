/** Entry of a thread that reads and packs runs of rows, for packThreads.ts. */
import { answerQuestions } from '../threads/answerQuestions.ts';
import { answerPack } from './answerPack.ts';
import type { PackQuestion } from './packQuestion.ts';

answerQuestions<PackQuestion>((question) => answerPack(question));
