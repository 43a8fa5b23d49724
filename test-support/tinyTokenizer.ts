/** A tokenizer.json for tests with one token per byte, written as GPT-2's byte-level BPE without merges. */
import fs from 'node:fs';
import path from 'node:path';

export const TINY_VOCAB = 258;
export const TINY_BOS = 256;
export const TINY_EOS = 257;

/** Writes tokenizer.json and tokenizer_config.json: bytes 0-255, then `<s>` (before every text) and `</s>`. */
export function writeTinyTokenizer(dir: string): void {
  const special = ['<s>', '</s>'].map((content, i) => ({
    id: 256 + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const vocab = Object.fromEntries([
    ...byteSymbols().map((symbol, byte) => [symbol, byte]),
    ...special.map(({ content, id }) => [content, id]),
  ]);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokenizer = {
    version: '1.0',
    added_tokens: special,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: [],
    },
  };
  fs.writeFileSync(path.join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  fs.writeFileSync(
    path.join(dir, 'tokenizer_config.json'),
    JSON.stringify({ bos_token: '<s>', eos_token: '</s>', add_bos_token: true, add_eos_token: false }),
  );
}

/** GPT-2's printable character of every byte: itself where it is printable, else the next one from U+0100 on. */
function byteSymbols(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : next++);
  });
}
