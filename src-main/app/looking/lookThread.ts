/** Entry of a thread that looks at folders for the main process (look.ts). */
import { answerQuestions } from '../../threads/answerQuestions.ts';
import { looks, type LookName } from './looks.ts';

export interface LookQuestion {
  name: LookName;
  args: unknown[];
}

// Both ends are compiled against the same table of looks.
answerQuestions<LookQuestion>(({ name, args }) => (looks[name] as (...args: unknown[]) => unknown)(...args));
