/** How many intruders there are, and where most. */
import type { LabAnswers } from '../../lib/api.ts';
import { matrixLabel } from '../../lab/matrixMap.ts';
import { counted } from '../../../src-shared/plural.ts';

export function intruderWords(matrices: LabAnswers['intruders']['matrices']): string {
  const found = matrices.reduce((sum, { intruders }) => sum + intruders.length, 0);
  const looked = matrices.reduce((sum, one) => sum + one.looked, 0);
  const vectors = counted(looked, ['vector', 'vectors']);
  const among = `among the ${vectors} looked at in ${counted(matrices.length, ['matrix', 'matrices'])}`;
  if (found === 0) return `No intruder ${among}: every one resembles a vector of the base.`;
  const most = matrices.reduce((best, one) => (one.intruders.length > best.intruders.length ? one : best));
  const here = most.intruders.length;
  const intruders = counted(found, ['intruder', 'intruders']);
  return `${intruders} ${among}; most in ${matrixLabel(most.name)}, ${here} of ${most.looked}.`;
}
