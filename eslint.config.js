import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

/** Who may import whom (docs/architecture.md): each layer lists what it must not reach. */
const layers = {
  engine: ['checkpoints', 'datasets', 'merging', 'lab', 'trainer', 'catalog', 'jobs', 'api'],
  checkpoints: ['datasets', 'merging', 'lab', 'trainer', 'catalog', 'jobs', 'api'],
  datasets: ['checkpoints', 'merging', 'lab', 'trainer', 'catalog', 'jobs', 'api'],
  merging: ['datasets', 'lab', 'trainer', 'catalog', 'jobs', 'api'],
  trainer: ['catalog', 'jobs', 'api', 'lab'],
  catalog: ['engine', 'checkpoints', 'datasets', 'merging', 'lab', 'jobs', 'api'],
  jobs: ['api', 'datasets', 'merging', 'lab'],
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
          { group: ['electron'], message: 'Only main.ts and preload.ts know Electron.' },
        ],
      },
    ],
  },
}));

const engineRule = {
  files: ['src-main/engine/**/*.ts'],
  ignores: ['**/*.test.ts', 'src-main/engine/backend/**'],
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
    },
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
