/** `hub login`, `hub logout`: the token of Hugging Face's hub. */
import { usageError } from '../../../src-shared/errors.ts';
import type { Command } from './command.ts';

/** A token has some 40 characters. */
const MOST_CHARACTERS = 4096;

export const hubLogin: Command = {
  name: 'hub login',
  positionals: [],
  summary: 'Keeps a token of Hugging Face for gated models and for push; it is read from standard input.',
  options: {},
  async run({ services, print, say }) {
    if (process.stdin.isTTY)
      say('Paste a token from https://huggingface.co/settings/tokens and press Enter (not shown):');
    const place = services.hubTokens.keep(await readSecret());
    print(`The token is kept in ${place}.`);
    return { place };
  },
};

export const hubLogout: Command = {
  name: 'hub logout',
  positionals: [],
  summary: 'Forgets the token that "hub login" kept.',
  options: {},
  async run({ services, print }) {
    const forgotten = services.hubTokens.forget();
    print(forgotten ? 'The token is forgotten.' : 'Graft keeps no token.');
    return { forgotten };
  },
};

/** The first line; a terminal does not show it. Throws a usage error BAD_USAGE after Ctrl-C. */
async function readSecret(): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  try {
    let text = '';
    for await (const piece of stdin.setEncoding('utf8')) {
      text += String(piece);
      if (text.includes('\u0003')) throw usageError('BAD_USAGE', 'No token was given; start again with "hub login".');
      if (/[\r\n\u0004]/.test(text) || text.length > MOST_CHARACTERS) break;
    }
    return text.split(/[\r\n\u0004]/, 1)[0]!;
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }
}
