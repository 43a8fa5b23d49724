/** Finds the added tokens of a tokenizer in a text: those as they are written, then those that are normalised first. */
import type { Tokenizer } from '@huggingface/tokenizers';
import { partsOf } from './libraryParts.ts';

interface TrieNode {
  end?: string;
  [character: string]: TrieNode | string | undefined;
}

/** Characters that are sooner looked for one after the other than by looking at each of a text. */
const FEW = 6;

/** As the library splits: at each place the longest that is there. */
class Dictionary {
  #trie: TrieNode;
  /** 1 for each character that one of them begins with; those, where they are few. */
  #begins = new Uint8Array(0x10000);
  #first: string[];

  constructor(splitter: unknown) {
    this.#trie = (splitter as { trie: TrieNode }).trie;
    this.#first = Object.keys(this.#trie);
    for (const character of this.#first) this.#begins[character.charCodeAt(0)] = 1;
  }

  split(text: string): string[] {
    if (this.#first.length <= FEW && !this.#first.some((character) => text.includes(character))) return [text];
    const sections: string[] = [];
    const begins = this.#begins;
    let start = 0;
    for (let at = 0; at < text.length;) {
      const found = begins[text.charCodeAt(at)] === 1 ? this.#at(text, at) : undefined;
      if (found === undefined) {
        at++;
        continue;
      }
      if (at > start) sections.push(text.slice(start, at));
      sections.push(found);
      start = at += found.length;
    }
    if (start < text.length) sections.push(start === 0 ? text : text.slice(start));
    return sections;
  }

  #at(text: string, from: number): string | undefined {
    let node: TrieNode = this.#trie;
    let found: string | undefined;
    for (let at = from; at < text.length; at++) {
      const next = node[text[at]!] as TrieNode | undefined;
      if (!next) break;
      node = next;
      found = node.end ?? found;
    }
    return found;
  }
}

export class AddedTexts {
  #library: Tokenizer;
  #asWritten: Dictionary;
  #normalised: Dictionary;
  #trims: boolean;

  constructor(library: Tokenizer) {
    this.#library = library;
    this.#asWritten = new Dictionary(partsOf(library).splitter_unnormalized);
    this.#normalised = new Dictionary(partsOf(library).splitter_normalized);
    this.#trims = [...partsOf(library).added_tokens_map.values()].some(({ lstrip, rstrip }) => lstrip || rstrip);
  }

  /** Appends the ids of added tokens to `out`, and calls `onText` with each normalised text between them, in order. */
  forEach(text: string, onText: (section: string, index: number) => void, out: number[]): void {
    const { normalizer } = this.#library;
    const { added_tokens_map: added } = partsOf(this.#library);
    for (const [index, section] of this.#split(text, this.#asWritten).entries()) {
      if (section.length === 0) continue;
      const token = added.get(section);
      if (token) {
        out.push(token.id);
        continue;
      }
      const normalised: string = normalizer === null ? section : normalizer(section);
      if (normalised.length === 0) continue;
      for (const part of this.#split(normalised, this.#normalised)) {
        const inner = added.get(part);
        if (inner) out.push(inner.id);
        else if (part.length > 0) onText(part, index);
      }
    }
  }

  #split(text: string, dictionary: Dictionary): string[] {
    const sections = dictionary.split(text);
    if (!this.#trims || sections.length === 1) return sections;
    for (const [i, section] of sections.entries()) {
      const token = partsOf(this.#library).added_tokens_map.get(section);
      if (token?.lstrip && i > 0) sections[i - 1] = sections[i - 1]!.trimEnd();
      if (token?.rstrip && i < sections.length - 1) sections[i + 1] = sections[i + 1]!.trimStart();
    }
    return sections;
  }
}
