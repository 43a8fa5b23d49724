import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

export default ts.config(
  {
    ignores: [
      'node_modules/',
      '.cache/',
      '.svelte-check/',
      'out/',
      'test-results/',
      'playwright-report/',
      'resources/',
      'e2e/artifacts/',
      'src-renderer/locales/.wuchale/',
      'src-renderer/locales/data.js',
      'src-renderer/locales/host.loader*.js',
      // AssemblyScript: its types and its operators on them are not TypeScript's.
      'src-main/engine/packed/assembly/',
    ],
  },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser } } },
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
      // Everything but addresses and regular expressions, which cannot be broken.
      'max-len': ['error', { code: 120, ignoreUrls: true, ignoreRegExpLiterals: true }],
    },
  },
  {
    // A noun's plural is a message of its own in every language.
    files: ['src-renderer/**/*.{ts,svelte}', 'src-shared/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.name="counted"] > Literal.arguments:nth-child(2)',
          message: "What the page says names both forms: counted(n, ['row', 'rows']).",
        },
      ],
    },
  },
  {
    // Blank lines and comments count: a file is read from top to bottom.
    files: ['src-main/**/*.ts', 'src-shared/**/*.ts', 'src-renderer/**/*.{ts,svelte}'],
    ignores: ['**/*.test.ts'],
    rules: { 'max-lines': ['error', 300] },
  },
);
