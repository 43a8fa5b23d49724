/** Entry of the thread that hashes a file in the making, for hashInThread.ts. */
import { answerQuestions } from '../threads/answerQuestions.ts';
import { hashOfCopy, type HashQuestion } from './hashQuestion.ts';

answerQuestions<HashQuestion>((question, tell) => hashOfCopy(question, tell));
