/** Which strings of the sources people read. */

/** Elements whose text is code. */
const CODE = new Set(['code', 'pre', 'style', 'script']);

/** Attributes and properties that name things for programs. */
const NOT_READ =
  /^(class|style|href|id|type|role|scope|name|form|list|value|kind|tone|columns|autocomplete|spellcheck|step|align|accept|height|width)$|^(orientation|command|testId|d|dy|fill|stroke.*|vector-effect|text-anchor|preserveAspectRatio)$|^data-|^aria-(keyshortcuts|hidden|live|pressed|multiselectable|labelledby|orientation)$/;

/** @type {import('wuchale').HeuristicFunc} */
export const shown = ({ msgStr, details: { scope, element, attribute } }) => {
  const text = msgStr.join('\n');
  if (!/\p{L}{2}/u.test(text)) return false;
  if (scope === 'markup') return CODE.has(element ?? '') ? false : 'message';
  if (attribute) return NOT_READ.test(attribute) ? false : 'message';
  return isSentence(text) && !isCode(text) ? 'message' : false;
};

/**
 * Whether people read a string of a script: it begins with a capital letter, or is a phrase of several words.
 *
 * @param {string} text templates have # for each value
 */
function isSentence(text) {
  if (/^\p{Lu}/u.test(text)) return /\p{Ll}/u.test(text);
  return /\S\s+\S/.test(text) && !isClassNames(text);
}

/** @param {string} text */
function isClassNames(text) {
  const words = text.trim().split(/\s+/);
  return words.every((word) => /^[a-z\d:[\]/.#%_-]+$/.test(word)) && words.some((word) => /[a-z]-[a-z\d[]/.test(word));
}

/**
 * Routes, repositories, markup, style sheets, keys, shortcuts and lines of programs.
 *
 * @param {string} text
 */
function isCode(text) {
  return (
    /^#?\/|^[#.[][a-z\d-]+$|^[#.-][a-z-]+ |[{}]|[<\][][/a-z]|=["'>#]|\w\($|^\s*[a-z-]+="/.test(text) ||
    /\dpx\b|-serif$|^(rgb|light-dark)\(|^\([a-z-]+: /.test(text) ||
    /^[\w.-]+\/[\w.-]+$/.test(text) ||
    /^(Arrow[A-Z]\w+|Enter|Escape)$|^(CmdOrCtrl|Mod|Ctrl|Shift)\+\S*$/.test(text)
  );
}
