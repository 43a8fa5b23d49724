/** Files made to run code, to fill the memory or to take for ever, each refused in a sentence; memory is measured. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test-support/fixtures/folders.ts';
import {
  bytes,
  global,
  number,
  pickleOf,
  PROTOCOL,
  text,
  torchLegacy,
  torchZip,
  tuple,
  type TorchTensor,
} from '../../test-support/fixtures/torchFile.ts';
import { hasShared, sharedPath } from '../../test-support/goldens/shared.ts';

const ROOM = new Uint8Array(64);
const tensor = (change: Partial<TorchTensor>): TorchTensor => ({
  name: 'w',
  type: 'Float',
  storage: '0',
  elements: 16,
  shape: [4, 4],
  ...change,
});
const zipOf = (change: Partial<TorchTensor>): Uint8Array => torchZip(pickleOf([tensor(change)]), { 0: ROOM });
const run = (...code: (string | number | Uint8Array)[]): Uint8Array => torchZip(bytes(PROTOCOL, ...code, '.'));
/** A function of Python's, called with one text. */
const call = (module: string, name: string): Uint8Array =>
  run(global(module, name), bytes('(', text('touch /tmp/never'), 't'), 'R');

/** An archive whose directory says something else in four bytes at `at` of the first entry. */
function withField(archive: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Buffer.from(archive);
  copy.writeUInt32LE(value, copy.readUInt32LE(copy.length - 22 + 16) + at);
  return copy;
}

const FILES: Record<string, [content: Uint8Array, code: string, sentence: string]> = {
  'os.system': [call('os', 'system'), 'TORCH_FILE_CODE', 'calls for os.system,'],
  'builtins.eval': [call('builtins', 'eval'), 'TORCH_FILE_CODE', 'calls for builtins.eval,'],
  'getattr in Python 2': [call('__builtin__', 'getattr'), 'TORCH_FILE_CODE', 'calls for builtins.getattr,'],
  'torch.load': [call('torch.serialization', 'load'), 'TORCH_FILE_CODE', 'calls for torch.serialization.load,'],
  'a type called': [run(global('builtins', 'int'), ')R'), 'TORCH_FILE_CODE', 'calls for builtins.int,'],
  'an attribute by a dotted name': [
    run(text('os'), text('path.system'), 0x93, ')R'),
    'TORCH_FILE_CODE',
    'calls for os.path.system,',
  ],
  'an object of a class': [
    run(global('torch', 'Tensor'), ')', 0x81),
    'TORCH_FILE_CODE',
    'calls for an object of a class',
  ],
  INST: [run('(ios\nsystem\n'), 'TORCH_FILE_CODE', 'calls for os.system,'],
  '20,000 marks': [run('('.repeat(20_000)), 'TORCH_FILE', 'nested more than 500 levels deep'],
  '20,000 lists in each other': [
    run('}', text('w'), ']'.repeat(20_000), 'a'.repeat(19_999), 's'),
    'TORCH_FILE',
    'holds no tensor',
  ],
  'a list in itself': [run('}', 'q', 0, text('model'), 'h', 0, 's'), 'TORCH_FILE', 'holds no tensor'],
  'a reference to nothing': [run('h', 7), 'TORCH_FILE', 'refers to a value'],
  'endless instructions': [run('N0'.repeat(3_000_000)), 'TORCH_FILE', 'more than 2000000 pickle instructions'],
  'an endless stack': [run('N'.repeat(1_500_000)), 'TORCH_FILE', 'stacks more than'],
  'a million dictionaries': [run('}0'.repeat(999_000), '}'), 'TORCH_FILE', 'it is empty'],
  'a text of 4 GB': [run('X', 255, 255, 255, 255, 'short'), 'TORCH_FILE', 'ends in the middle'],
  'a text of 2^63': [run(0x8d, 255, 255, 255, 255, 255, 255, 255, 127), 'TORCH_FILE', 'names a length of'],
  'an unknown instruction': [run(0xff), 'TORCH_FILE', 'the pickle instruction 0xff'],
  'a shape of 2^52': [zipOf({ shape: [2 ** 26, 2 ** 26] }), 'TORCH_FILE', 'goes beyond the 16 values'],
  'one value shown 10^12 times': [zipOf({ shape: [1e6, 1e6], strides: [0, 0] }), 'TORCH_FILE', 'goes beyond'],
  'an offset of 2^53': [zipOf({ offset: 2 ** 53 - 1 }), 'TORCH_FILE', 'goes beyond'],
  'strides of 2^53': [zipOf({ strides: [2 ** 53 - 1, 2 ** 53 - 1] }), 'TORCH_FILE', 'goes beyond'],
  'negative strides': [zipOf({ strides: [-1, 1] }), 'TORCH_FILE', 'without offset, shape and strides'],
  'a storage longer than its member': [zipOf({ elements: 2 ** 40 }), 'TORCH_FILE', 'has 64 bytes of storage 0'],
  'a storage that is a path': [zipOf({ storage: '../../etc/passwd' }), 'TORCH_FILE', 'lacks the storage'],
  'a storage of 2^62': [
    torchLegacy(pickleOf([tensor({})]), [['0', 2 ** 62, ROOM]]),
    'TORCH_FILE',
    'is cut short in its storage 0',
  ],
  '20,000 names of one storage': [
    torchZip(
      pickleOf(
        Array.from({ length: 20_000 }, (_, i) => tensor({ name: `w${i}`, elements: 2 ** 18, shape: [2 ** 18] })),
      ),
      {
        0: new Uint8Array(2 ** 20),
      },
    ),
    'TORCH_FILE',
    'shows them as tensors of',
  ],
  'a compressed list': [
    torchZip(bytes(PROTOCOL, ' '.repeat(64 << 20)), {}, 9),
    'TORCH_FILE',
    'has archive/data.pkl compressed',
  ],
  'a member of 4 GB': [withField(zipOf({}), 24, 0xfffffff0), 'TORCH_FILE', 'has two sizes of'],
  'a member beyond the file': [withField(zipOf({}), 42, 0x7ffffff0), 'TORCH_FILE', 'outside of the file'],
  'a list of 17 MB': [run(' '.repeat(17 << 20)), 'TORCH_FILE', 'has a list of tensors of'],
  'half an archive': [zipOf({}).subarray(0, 200), 'TORCH_FILE', 'is cut short'],
  'a web page': [Buffer.from('<!DOCTYPE html>'), 'TORCH_FILE', "none of PyTorch's formats"],
  'a pointer': [Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'TORCH_FILE', 'Git LFS'],
  nothing: [new Uint8Array(), 'TORCH_FILE', 'formats'],
  'a huge tuple of arguments': [
    run(global('torch._utils', '_rebuild_tensor_v2'), tuple(...Array.from({ length: 1000 }, () => number(1))), 'R'),
    'TORCH_FILE',
    'whose values are a number',
  ],
};

it('each is refused in one sentence, and all of them together take less than 200 MB', () => {
  const dir = temporaryFolder();
  const names = Object.keys(FILES);
  const own = names.map((_, i) => path.join(dir, `${i}.bin`));
  own.forEach((file, i) => fs.writeFileSync(file, FILES[names[i]!]![0]));
  const shared = hasShared('formats/hostile')
    ? fs.readdirSync(sharedPath('formats/hostile')).map((name) => sharedPath(`formats/hostile/${name}`))
    : [];
  const script = path.resolve(import.meta.dirname, '../../test-support/checks/openTorchFiles.ts');
  const out = execFileSync(process.execPath, [script, ...own, ...shared], { encoding: 'utf8' });
  const { answers, grownMb } = JSON.parse(out) as { answers: { code: string; message: string }[]; grownMb: number };
  names.forEach((name, i) => {
    const [, code, sentence] = FILES[name]!;
    expect(answers[i], name).toEqual({ code, message: expect.stringContaining(sentence) as string });
  });
  for (const { code, message } of answers) {
    expect(code).toMatch(/^TORCH_FILE/);
    expect(message.split(/\. /).length, message).toBe(1);
  }
  expect(grownMb).toBeLessThan(200);
  expect(fs.readdirSync(dir)).toHaveLength(names.length); // nothing was written beside them
});
