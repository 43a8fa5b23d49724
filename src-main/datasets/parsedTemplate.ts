/**
 * Chat templates as the library parses them, each once, with what it has otherwise than Python's jinja2: a range() that
 * cannot fill the memory, and strip() of the characters that it is told, which the library strips of white space.
 */
import { Template } from '@huggingface/jinja';

/** Templates count through the messages of a conversation. The library makes a list of every number. */
const LONGEST_RANGE = 100_000;
const BOUNDED_RANGE = 'graft_range';
const STRIPS = { strip: 'graft_strip', lstrip: 'graft_lstrip', rstrip: 'graft_rstrip' } as const;

/** What a template from here needs among its variables. */
export const TEMPLATE_GLOBALS = {
  [BOUNDED_RANGE]: boundedRange,
  [STRIPS.strip]: (text: string, chars?: string | null) => stripped(text, chars, true, true),
  [STRIPS.lstrip]: (text: string, chars?: string | null) => stripped(text, chars, true, false),
  [STRIPS.rstrip]: (text: string, chars?: string | null) => stripped(text, chars, false, true),
};

const MOST_PARSED = 50;
const parsed = new Map<string, Template>();

/** Throws the library's SyntaxError. */
export function parsedTemplate(source: string): Template {
  let template = parsed.get(source);
  if (!template) {
    template = new Template(source);
    callOwnFunctions(template.parsed);
    // A template that somebody is typing is another one at every key.
    if (parsed.size >= MOST_PARSED) parsed.clear();
    parsed.set(source, template);
  }
  return template;
}

/** The library's own functions cannot be set anew, so that the calls of some are given other names. */
function callOwnFunctions(program: object): void {
  const stack: object[] = [program];
  for (let node = stack.pop(); node; node = stack.pop()) {
    const callee: unknown = Reflect.get(node, 'callee');
    if (isNode(callee, 'Identifier') && callee['value'] === 'range') Reflect.set(callee, 'value', BOUNDED_RANGE);
    if (isNode(callee, 'MemberExpression') && callee['computed'] !== true) callOwnStrip(node, callee);
    for (const value of node instanceof Map ? [...node].flat() : Object.values(node))
      if (typeof value === 'object' && value !== null) stack.push(value as object);
  }
}

type Node = Record<string, unknown>;

function isNode(value: unknown, type: string): value is Node {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'type') === type;
}

/** `text.strip(chars)` becomes a call of our own with the text in front. */
function callOwnStrip(call: object, { object, property }: Node): void {
  if (!isNode(property, 'Identifier')) return;
  const own = (STRIPS as Record<string, string | undefined>)[String(property['value'])];
  if (own === undefined) return;
  Reflect.set(call, 'args', [object, ...(Reflect.get(call, 'args') as unknown[])]);
  Reflect.set(call, 'callee', { type: 'Identifier', value: own });
}

/** What Python's strip() without an argument takes away. */
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;

/** As Python's str.strip. */
function stripped(text: string, chars: string | null | undefined, atStart: boolean, atEnd: boolean): string {
  if (typeof text !== 'string') throw new Error('strip() is of texts only');
  const goes = chars === undefined || chars === null ? isWhiteSpace : isOneOf(chars);
  let [start, end] = [0, text.length];
  while (atStart && start < end) {
    const one = String.fromCodePoint(text.codePointAt(start)!);
    if (!goes(one)) break;
    start += one.length;
  }
  while (atEnd && end > start) {
    const one = /.$/su.exec(text.slice(Math.max(start, end - 2), end))![0];
    if (!goes(one)) break;
    end -= one.length;
  }
  return text.slice(start, end);
}

function isWhiteSpace(one: string): boolean {
  return WHITE_SPACE.test(one);
}

function isOneOf(chars: string): (one: string) => boolean {
  const known = new Set(chars);
  return (one) => known.has(one);
}

/** As Python's range. */
function boundedRange(first: number, end?: number, step = 1): number[] {
  const [start, stop] = end === undefined ? [0, first] : [first, end];
  if (step === 0) throw new Error('range() has a step of 0');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) throw new Error(`range() counts to more than ${LONGEST_RANGE}`);
  return Array.from({ length }, (_, i) => start + i * step);
}
