/** llama.cpp where it is not installed, and files that it does not take. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import { encodeHeader, string } from '../gguf/header.ts';
import { openRunner } from './runtime.ts';

it('says in one sentence that it is not installed', () => {
  const hook =
    'import { registerHooks } from "node:module";' +
    'registerHooks({ resolve(name, context, next) {' +
    ' if (name === "node-llama-cpp") throw new Error("not there"); return next(name, context); } });';
  const script =
    `const { loadLlamacpp } = await import(${JSON.stringify(path.join(import.meta.dirname, 'runtime.ts'))});` +
    'await loadLlamacpp().catch(({ code, message }) => console.log(JSON.stringify({ code, message })));';
  const out = execFileSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
      '--input-type=module',
      '--eval',
      script,
    ],
    { encoding: 'utf8' },
  );
  const error = JSON.parse(out) as { code: string; message: string };
  expect(error.code).toBe('LLAMACPP_ABSENT');
  expect(error.message).toMatch(/^llama\.cpp is not installed for this platform.*npm install node-llama-cpp.*\.$/);
});

it('names a file that it does not take', async () => {
  const file = path.join(temporaryFolder(), 'no.gguf');
  fs.writeFileSync(file, encodeHeader(new Map([['general.architecture', string('llama')]]), []));
  await expect(openRunner(file, { vocab: 4, contextLength: 8 })).rejects.toMatchObject({
    code: 'LLAMACPP_REFUSED',
    message: expect.stringContaining(file) as string,
  });
});
