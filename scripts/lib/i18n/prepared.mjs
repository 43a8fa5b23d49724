/**
 * Sources as the extractor of sentences reads them right. It looks at each string alone, so that half a sentence of
 * `'one ' + 'two'` would be a message, and so would a string that is only compared with another.
 */
import { parse } from 'svelte/compiler';
import { parseScript } from 'wuchale/adapter-vanilla';

/**
 * A node of the syntax tree; what else it has depends on its type.
 *
 * @typedef {{ type: string, start: number, end: number } & Record<string, unknown>} Node
 * @typedef {{ start: number, end: number, text: string }} Edit
 */

const COMPARES = new Set(['===', '!==', '==', '!=']);
/** Properties whose values are names for programs. */
const NAMES = new Set(['kind', 'code', 'type', 'flag']);
/** What a source must hold for anything to change; parsing one takes milliseconds, and there are hundreds. */
const MAY_COMPARE = /[!=]=\s*['"]|\[['"]|['"]\??:|\b(kind|code|type|flag): ['"]/;
const MAY_JOIN = /['"`]\s*\+|\+\s*['"`]/;
const IGNORE = '/* @wc-ignore */ ';

/**
 * The source with compared strings marked, and every sum of strings alone as one template.
 *
 * @param {string} source of a module or a component
 * @param {string} file its name; `.svelte` is a component
 * @returns {string}
 */
export function prepared(source, file) {
  const marked = MAY_COMPARE.test(source) ? edited(source, file, marks) : source;
  return MAY_JOIN.test(marked) ? edited(marked, file, (node) => joins(node, marked)) : marked;
}

/**
 * @param {string} source
 * @param {string} file
 * @param {(node: Node) => Edit[]} editsOf what changes at a node; below one that changes nothing else does
 */
function edited(source, file, editsOf) {
  const tree = file.endsWith('.svelte') ? parse(source, { modern: true }) : parseScript(source)[0];
  /** @type {Edit[]} */
  const edits = [];
  /** @param {unknown} node */
  const visit = (node) => {
    if (typeof node !== 'object' || node === null) return;
    const own = isNode(node) ? editsOf(node) : [];
    edits.push(...own);
    if (own.length === 0 || editsOf === marks) for (const value of Object.values(node)) visit(value);
  };
  visit(tree);
  // From the end, so that what stands before keeps its place.
  return edits
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: by }) => text.slice(0, start) + by + text.slice(end), source);
}

/**
 * Strings that are keys, or are compared: the API's words, never read.
 *
 * @param {Node} node
 * @returns {Edit[]}
 */
function marks(node) {
  if (node.type === 'ObjectExpression')
    return nodesOf(node['properties']).flatMap(({ key, value, computed }) => [
      ...(isString(key) && computed !== true ? markKey(key) : []),
      ...(isNode(key) && NAMES.has(String(key['name'])) && isString(value) ? [mark(value)] : []),
    ]);
  const compared =
    node.type === 'BinaryExpression' && COMPARES.has(String(node['operator']))
      ? [node['right']]
      : node.type === 'MemberExpression' && node['computed'] === true
        ? [node['property']]
        : [];
  return compared.filter(isString).map(mark);
}

/** @param {Node} node */
function mark({ start }) {
  return { start, end: start, text: IGNORE };
}

/**
 * In brackets, since a mark before a property would be one of its value too.
 *
 * @param {Node} key
 * @returns {Edit[]}
 */
function markKey({ start, end }) {
  return [
    { start, end: start, text: `[${IGNORE}` },
    { start: end, end, text: ']' },
  ];
}

/**
 * @param {Node} node
 * @param {string} source
 * @returns {Edit[]}
 */
function joins(node, source) {
  if (!isSum(node) || !leavesOf(node).every(isText)) return [];
  const parts = leavesOf(node).map((leaf) => templateText(leaf, source));
  return [{ start: node.start, end: node.end, text: `\`${parts.join('')}\`` }];
}

/**
 * @param {unknown} value
 * @returns {value is Node}
 */
function isNode(value) {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/**
 * @param {unknown} value
 * @returns {Node[]}
 */
function nodesOf(value) {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/**
 * @param {unknown} value
 * @returns {value is Node}
 */
function isString(value) {
  return isNode(value) && value.type === 'Literal' && typeof value['value'] === 'string';
}

/** @param {Node} node */
function isText(node) {
  return node.type === 'TemplateLiteral' || isString(node);
}

/** @param {Node} node */
function isSum(node) {
  return node.type === 'BinaryExpression' && node['operator'] === '+';
}

/**
 * @param {Node} node
 * @returns {Node[]}
 */
function leavesOf(node) {
  return isSum(node) ? nodesOf([node['left'], node['right']]).flatMap(leavesOf) : [node];
}

/**
 * What stands between the backticks of a template.
 *
 * @param {Node} leaf
 * @param {string} source
 */
function templateText(leaf, source) {
  if (leaf.type === 'TemplateLiteral') return source.slice(leaf.start + 1, leaf.end - 1);
  return String(leaf['value']).replace(/[\\`]|\$(?=\{)/g, '\\$&');
}
