/**
 * Go's text/template as far as Ollama's templates need it, and what Ollama hands to one: text, fields, variables,
 * `if`, `else if`, `else`, `range`, and the functions eq, lt, and, len, slice. It knows nothing of how Graft makes
 * them.
 */
type Value = unknown;
type Scope = Map<string, Value>;

interface Text {
  kind: 'text';
  text: string;
}
interface Print {
  kind: 'print';
  words: string[];
}
interface If {
  kind: 'if';
  words: string[];
  then: Node[];
  other: Node[];
}
interface Range {
  kind: 'range';
  index: string;
  item: string;
  words: string[];
  body: Node[];
}
type Node = Text | Print | If | Range;

/** As Ollama's Template.Execute with messages; consecutive ones of a role are joined. Prompt: of one question alone. */
export function renderOllama(template: string, messages: readonly { role: string; content: string }[]): string {
  const joined: { Role: string; Content: string }[] = [];
  for (const { role, content } of messages) {
    const last = joined.at(-1);
    if (last?.Role === role) last.Content += `\n\n${content}`;
    else joined.push({ Role: role, Content: content });
  }
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const asked = joined.findLast(({ Role }) => Role === 'user')?.Content ?? '';
  const data = { System: system.join('\n\n'), Messages: joined, Prompt: asked };
  return run(parse(template), data, new Map([['$', data]]));
}

function run(nodes: Node[], dot: Value, scope: Scope): string {
  return nodes
    .map((node): string => {
      if (node.kind === 'text') return node.text;
      const value = evaluate([...node.words], dot, scope);
      if (node.kind === 'print') return printed(value);
      if (node.kind === 'if') return run(isTrue(value) ? node.then : node.other, dot, scope);
      const items = value as Value[];
      return items
        .map((item, i) => run(node.body, item, new Map([...scope, [node.index, i], [node.item, item]])))
        .join('');
    })
    .join('');
}

function printed(value: Value): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Error(`cannot print ${typeof value}`);
}

function isTrue(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** A call with its arguments, or one operand; takes its words off the front. */
function evaluate(words: string[], dot: Value, scope: Scope): Value {
  const first = words.shift()!;
  const call = FUNCTIONS[first];
  if (!call) {
    const value = operand(first, words, dot, scope);
    if (words.length > 0) throw new Error(`unexpected ${words.join(' ')}`);
    return value;
  }
  const values: Value[] = [];
  while (words.length > 0) values.push(operand(words.shift()!, words, dot, scope));
  return call(...(values as never[]));
}

const FUNCTIONS: Record<string, (...values: never[]) => Value> = {
  eq: (a: Value, b: Value) => a === b,
  lt: (a: number, b: number) => a < b,
  and: (...values: Value[]) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  len: (list: Value[]) => list.length,
  slice: (list: Value[], from: number) => list.slice(from),
};

function operand(word: string, rest: string[], dot: Value, scope: Scope): Value {
  if (word === '(') {
    let depth = 1;
    const inner: string[] = [];
    while (depth > 0) {
      const next = rest.shift();
      if (next === undefined) throw new Error('unclosed parenthesis');
      depth += next === '(' ? 1 : next === ')' ? -1 : 0;
      if (depth > 0) inner.push(next);
    }
    return evaluate(inner, dot, scope);
  }
  if (word.startsWith('"')) return JSON.parse(word) as string;
  if (/^\d+$/.test(word)) return Number(word);
  const [root, ...path] = word.split('.');
  const start = root === '' ? dot : scope.get(root!);
  if (root !== '' && !scope.has(root!)) throw new Error(`undefined variable ${root}`);
  return path.reduce<Value>((value, name) => Reflect.get(value as object, name) as Value, start);
}

function parse(template: string): Node[] {
  const pieces = template.split(/(\{\{.*?\}\})/s);
  const nodes = block(pieces, []);
  if (pieces.length > 0) throw new Error(`unexpected ${pieces[0]}`);
  return nodes;
}

/** Up to one of `ends`, which is left in front. */
function block(pieces: string[], ends: string[]): Node[] {
  const nodes: Node[] = [];
  while (pieces.length > 0) {
    const piece = pieces[0]!;
    const words = wordsOf(piece);
    if (words && ends.includes(words[0]!)) return nodes;
    pieces.shift();
    if (!words) nodes.push({ kind: 'text', text: piece });
    else if (words[0] === 'if') nodes.push(ifNode(words.slice(1), pieces));
    else if (words[0] === 'range') nodes.push(rangeNode(words.slice(1), pieces));
    else nodes.push({ kind: 'print', words });
  }
  if (ends.length > 0) throw new Error('a block is not closed');
  return nodes;
}

function ifNode(words: string[], pieces: string[]): If {
  const then = block(pieces, ['else', 'end']);
  const next = wordsOf(pieces.shift()!)!;
  if (next[0] === 'end') return { kind: 'if', words, then, other: [] };
  if (next[1] === 'if') return { kind: 'if', words, then, other: [ifNode(next.slice(2), pieces)] };
  const other = block(pieces, ['end']);
  pieces.shift();
  return { kind: 'if', words, then, other };
}

/** `$i, $m := .Messages` */
function rangeNode([index, item, , ...words]: string[], pieces: string[]): Range {
  const body = block(pieces, ['end']);
  pieces.shift();
  return { kind: 'range', index: index!.replace(',', ''), item: item!, words, body };
}

function wordsOf(piece: string): string[] | undefined {
  const [, action] = /^\{\{ (.*) \}\}$/s.exec(piece) ?? [];
  if (action === undefined) {
    if (piece.startsWith('{{')) throw new Error(`cannot read ${piece}`);
    return undefined;
  }
  return action.match(/"[^"]*"|[()]|[^\s()]+/g)!;
}
