/** The programs run: a shell and Node's parser say so, not a comparison with themselves. */
import { execFileSync } from 'node:child_process';
import vm from 'node:vm';
import { expect, it } from 'vitest';
import { snippet } from './snippets.ts';

const FACTS = { address: 'http://127.0.0.1:1/v1', apiKey: 'a-key', model: `Lena's "tickets" $HOME`, chat: true };

it.skipIf(process.platform === 'win32').each([true, false])(
  'a shell passes the request on as it is (chat: %s)',
  (chat) => {
    const line = snippet('curl', { ...FACTS, chat });
    const print = `curl() { printf '%s\\0' "$@"; }; ${line}`;
    const args = execFileSync('sh', ['-c', print], { encoding: 'utf8' }).split('\0');
    expect(args[0]).toBe(`http://127.0.0.1:1/v1/${chat ? 'chat/completions' : 'completions'}`);
    expect(args).toContain('Authorization: Bearer a-key');
    expect(JSON.parse(args[args.indexOf('-d') + 1]!)).toMatchObject({ model: FACTS.model });
  },
);

it.each([true, false])('Node runs the JavaScript, which asks with the key for the model (chat: %s)', async (chat) => {
  const text = snippet('javascript', { ...FACTS, chat }).replace(/^import.*/, '');
  const asked: object[] = [];
  const create = (request: object) => {
    asked.push(request);
    return { choices: [{ text: 'done', message: { content: 'done' } }] };
  };
  class OpenAI {
    constructor(options: object) {
      asked.push(options);
    }
    completions = { create };
    chat = { completions: { create } };
  }
  const printed: string[] = [];
  const console = { log: (line: string) => printed.push(line) };
  await vm.runInNewContext(`(async () => {${text}})()`, { OpenAI, console });
  expect(asked).toMatchObject([{ baseURL: FACTS.address, apiKey: 'a-key' }, { model: FACTS.model }]);
  expect(printed).toEqual(['done']);
});

it('asks for no key where there is none', () => {
  expect(snippet('curl', { ...FACTS, apiKey: null })).not.toContain('Authorization');
});
