/** Chat templates as the library parses them, each once, with a range() that cannot fill the memory. */
import { Template } from '@huggingface/jinja';

/** Templates count through the messages of a conversation. The library makes a list of every number. */
const LONGEST_RANGE = 100_000;
const BOUNDED_RANGE = 'graft_range';

/** What a template from here needs among its variables. */
export const TEMPLATE_GLOBALS = { [BOUNDED_RANGE]: boundedRange };

const parsed = new Map<string, Template>();

/** Throws the library's SyntaxError. */
export function parsedTemplate(source: string): Template {
  let template = parsed.get(source);
  if (!template) {
    template = new Template(source);
    callBoundedRange(template.parsed);
    parsed.set(source, template);
  }
  return template;
}

/** The library's own range is a global that cannot be set anew, so the calls of it are given another name. */
function callBoundedRange(program: object): void {
  const stack: object[] = [program];
  for (let node = stack.pop(); node; node = stack.pop()) {
    const callee: unknown = Reflect.get(node, 'callee');
    if (typeof callee === 'object' && callee !== null && Reflect.get(callee, 'value') === 'range')
      if (Reflect.get(callee, 'type') === 'Identifier') Reflect.set(callee, 'value', BOUNDED_RANGE);
    for (const value of node instanceof Map ? [...node].flat() : Object.values(node))
      if (typeof value === 'object' && value !== null) stack.push(value as object);
  }
}

/** As Python's range. */
function boundedRange(first: number, end?: number, step = 1): number[] {
  const [start, stop] = end === undefined ? [0, first] : [first, end];
  if (step === 0) throw new Error('range() has a step of 0');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= LONGEST_RANGE)) throw new Error(`range() counts to more than ${LONGEST_RANGE}`);
  return Array.from({ length }, (_, i) => start + i * step);
}
