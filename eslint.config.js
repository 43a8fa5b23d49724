import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

/** Who may import whom (docs/architecture.md): each layer lists what it must not reach. */
const layers = {
  engine: [
    'basemodel',
    'adapters',
    'safetensors',
    'methods',
    'datasets',
    'merging',
    'worker',
    'catalog',
    'app',
    'api',
    'hosts',
  ],
  safetensors: ['basemodel', 'adapters', 'methods', 'datasets', 'merging', 'worker', 'catalog', 'app', 'api', 'hosts'],
  basemodel: ['methods', 'datasets', 'merging', 'worker', 'catalog', 'app', 'api', 'hosts'],
  datasets: ['basemodel', 'adapters', 'methods', 'merging', 'worker', 'catalog', 'app', 'api', 'hosts'],
  merging: ['datasets', 'worker', 'catalog', 'app', 'api', 'hosts'],
  worker: ['catalog', 'app', 'api', 'hosts'],
  catalog: ['engine', 'basemodel', 'adapters', 'datasets', 'merging', 'app', 'api', 'hosts'],
  app: ['api', 'hosts'],
};

const layerRules = Object.entries(layers).map(([layer, banned]) => ({
  files: [`src-main/${layer}/**/*.ts`],
  ignores: ['**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { group: banned.map((name) => `**/${name}/**`), message: `${layer} may not import this layer.` },
          { group: ['electron'], message: 'Only hosts/electron knows Electron.' },
        ],
      },
    ],
  },
}));

const engineRule = {
  files: ['src-main/engine/**/*.ts'],
  ignores: ['**/*.test.ts', 'src-main/engine/backends/**'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { group: ['node:*', 'electron', 'better-sqlite3'], message: 'The engine is pure maths on tfjs-core.' },
          {
            group: [...layers.engine.map((name) => `**/${name}/**`)],
            message: 'The engine is pure maths on tfjs-core.',
          },
        ],
      },
    ],
  },
};

export default ts.config(
  { ignores: ['node_modules/', 'out/', 'test-results/', 'playwright-report/', 'resources/', 'e2e/artifacts/'] },
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
    // Blank lines and comments count: a file is read from top to bottom.
    files: ['src-main/**/*.ts', 'src-shared/**/*.ts', 'src-renderer/**/*.{ts,svelte}'],
    ignores: ['**/*.test.ts'],
    rules: { 'max-lines': ['error', 300] },
  },
  ...layerRules,
  engineRule,
  {
    files: ['src-renderer/**/*.{ts,svelte}'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['**/src-main/**'],
              allowTypeImports: true,
              message: 'The renderer sees only the types of the router.',
            },
          ],
        },
      ],
    },
  },
);
