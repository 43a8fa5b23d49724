/** The imports of a source file: TypeScript, JavaScript, and the scripts of a Svelte file. */
import ts from 'typescript';

/**
 * What a file imports and whether that is for its types alone. Type-only is `import type`, `export type … from` and
 * `import('…').Name`; `import { type A }` still loads the module.
 * @typedef {{ name: string, typeOnly: boolean, line: number }} Import
 */

/**
 * @param {string} file its name; the ending tells the language
 * @param {string} text
 * @returns {Import[]}
 */
export function importsOf(file, text) {
  const isSvelte = file.endsWith('.svelte');
  const source = ts.createSourceFile(
    isSvelte ? `${file}.ts` : file,
    isSvelte ? scriptsOf(text) : text,
    ts.ScriptTarget.Latest,
    true,
  );
  /** @type {Import[]} */
  const found = [];
  /** @param {ts.Node | undefined} name @param {boolean} typeOnly */
  const add = (name, typeOnly) => {
    if (!name || !ts.isStringLiteralLike(name)) return;
    const { line } = source.getLineAndCharacterOfPosition(name.getStart(source));
    found.push({ name: name.text, typeOnly, line: line + 1 });
  };
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && loads(node.expression)) add(node.arguments[0], false);
    for (const comment of ts.getJSDocCommentsAndTags(node)) if (comment.parent === node) visit(comment);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** @param {ts.Expression} callee */
function loads(callee) {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

/**
 * The scripts of a Svelte file on the lines where they stand. Of the markup between them only `import('…')` is left,
 * as in `{#await import('./Graph.svelte')}`.
 * @param {string} text
 */
function scriptsOf(text) {
  let out = '';
  let end = 0;
  for (const match of text.matchAll(/(<script[^>]*>)([\s\S]*?)<\/script>/g)) {
    const [, tag = '', code = ''] = match;
    const start = match.index + tag.length;
    out += `${importCalls(text.slice(end, start))}${code}`;
    end = start + code.length;
  }
  return out + importCalls(text.slice(end));
}

/** @param {string} markup */
function importCalls(markup) {
  return markup.replace(/(import\(\s*(['"])[^'"]+\2\s*\))|[^\n]/g, (_, call) => (call ? `${call};` : ''));
}
