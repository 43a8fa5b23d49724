/** The web host's token, kept so that an open page and a bookmark still work after Graft was started again. */
import path from 'node:path';
import { keptToken, replaceToken } from '../../files/privateToken.ts';

const FILE = 'web-token';

/** The token of this data folder; a new one where there is none, or where other users could have read it. */
export function rememberedToken(homeDir: string): string {
  return keptToken(path.join(homeDir, FILE));
}

/** One that takes the place of the token of this data folder. */
export function newToken(homeDir: string): string {
  return replaceToken(path.join(homeDir, FILE));
}
