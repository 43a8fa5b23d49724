/**
 * Who may import whom, read by scripts/layers.mjs. The first row that fits a file is its rule; a file without a row
 * fails, so a new folder needs one. A folder's own files are free to each other.
 *
 * - `imports`: folders, or single files, that it may import, statically or dynamically;
 * - `types`: where it may import types only;
 * - `packages`: npm packages, and `node` for Node's own modules.
 *
 * A key ends in `/**` for all below a folder and in `/*` for the files right in it; a `*` in between makes each folder
 * there a layer of its own, which may not import its siblings.
 *
 * @type {Record<string, { imports?: string[], types?: string[], packages?: string[] }>}
 */
export const layers = {
  // Tests may look at everything below the host they test; nothing imports a test.
  'src-shared/**/*.test.ts': { imports: ['src-shared'], packages: ['vitest', 'node', 'zod'] },
  'src-main/**/*.test.ts': {
    imports: ['src-main', 'src-shared', 'test-support'],
    packages: [
      'vitest',
      '@huggingface/tokenizers',
      'node',
      'zod',
      '@tensorflow/tfjs-core',
      'better-sqlite3',
      'electron',
      'fflate',
      '@huggingface/hub',
      '@uwdata/flechette',
      'csv-parse',
      '@trpc/server',
      '@trpc/client',
      'node-llama-cpp',
      'koffi',
      'openai',
      '@huggingface/gguf',
      'webgpu',
      'vite',
    ],
  },
  'src-renderer/**/*.test.ts': {
    imports: ['src-renderer', 'src-shared', 'test-support'],
    types: ['src-main/api', 'src-main/hosts/electron/bridge.ts'],
    packages: ['vitest', 'node', '@trpc/client'],
  },

  // The contract of all processes.
  'src-shared/**': { packages: ['zod'] },

  // The maths, and the files that it is fed from.
  'src-main/engine/backends/**': {
    imports: ['src-main/engine', 'src-shared'],
    packages: [
      'node',
      '@tensorflow/tfjs',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-node-gpu',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-webgpu',
      'webgpu',
    ],
  },
  // libtensorflow is Node's alone.
  'src-main/engine/kernels/tensorflow/**': {
    imports: ['src-main/engine', 'src-shared'],
    packages: ['node', '@tensorflow/tfjs-core'],
  },
  'src-main/engine/**': {
    imports: ['src-shared'],
    packages: [
      '@tensorflow/tfjs',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-webgpu',
    ],
  },
  'src-main/files/**': { imports: ['src-shared'], packages: ['node', 'jsonc-parser'] },
  'src-main/threads/**': { imports: ['src-shared'], packages: ['node'] },
  'src-main/safetensors/**': {
    imports: ['src-main/threads', 'src-main/files', 'src-shared'],
    packages: ['node'],
  },
  'src-main/basemodel/**': {
    imports: [
      'src-main/pickle',
      // A GGUF file that is read as a base model.
      'src-main/gguf/pointer.ts',
      'src-main/gguf/weights.ts',
      'src-main/safetensors',
      'src-main/files',
      'src-main/engine/model',
      'src-shared',
    ],
    packages: ['node', 'zod'],
  },
  // Other runtimes' adapters: their names and layouts, and PEFT's folder on the other side.
  'src-main/adapters/formats/**': {
    imports: [
      'src-main/adapters',
      'src-main/methods/lora',
      'src-main/gguf',
      'src-main/basemodel',
      'src-main/safetensors',
      'src-main/files',
      'src-main/engine/model',
      'src-shared',
    ],
    packages: ['node', 'zod'],
  },
  'src-main/adapters/**': {
    imports: [
      'src-main/basemodel',
      'src-main/pickle',
      'src-main/safetensors',
      'src-main/files',
      'src-main/engine/model',
      'src-shared',
    ],
    packages: ['node', 'zod', 're2js'],
  },
  // A base's weights on their way onto a device, and the cache of their packed forms.
  'src-main/loading/**': {
    imports: [
      'src-main/engine',
      'src-main/basemodel',
      'src-main/safetensors',
      'src-main/threads',
      'src-main/files',
      'src-shared',
    ],
    packages: ['node', 'zod', '@tensorflow/tfjs-core'],
  },
  'src-main/linalg/**': { imports: ['src-shared'], packages: ['@tensorflow/tfjs-core'] },
  'src-main/methods/**': {
    imports: [
      'src-main/linalg',
      'src-main/engine',
      'src-main/adapters',
      'src-main/basemodel',
      'src-main/safetensors',
      'src-shared',
    ],
    packages: ['node', '@tensorflow/tfjs-core', 'zod'],
  },
  'src-main/merging/**': {
    imports: [
      'src-main/methods',
      'src-main/adapters',
      'src-main/basemodel',
      'src-main/safetensors',
      'src-main/engine',
      'src-main/files',
      'src-shared',
    ],
    packages: ['node'],
  },
  'src-main/lab/**': {
    imports: [
      'src-main/engine/model',
      'src-main/linalg',
      'src-main/merging',
      'src-main/adapters',
      'src-main/basemodel',
      'src-main/safetensors',
      'src-shared',
    ],
    packages: ['@tensorflow/tfjs-core'],
  },
  // Judges what the folders above write, so it shares no code with them.
  'src-main/recheck/**': { types: ['src-shared'], packages: ['node', 're2js', '@huggingface/gguf'] },
  // How good answers are: numbers of texts, no tensors and no files.
  'src-main/evaluation/**': { imports: ['src-shared'], packages: ['re2js', 'zod'] },
  'src-main/datasets/**': {
    imports: ['src-main/threads', 'src-main/files', 'src-shared'],
    packages: [
      'node',
      'csv-parse',
      'chardet',
      'fflate',
      'file-type',
      'htmlparser2',
      'unpdf',
      'hyparquet',
      'hyparquet-compressors',
      'read-excel-file',
      '@uwdata/flechette',
      '@huggingface/jinja',
      '@huggingface/tokenizers',
      // Recipes: patterns that users type, phone numbers.
      're2js',
      'libphonenumber-js',
    ],
  },
  // Files of other runtimes: GGUF, PyTorch's pickles, mlx; what llama.cpp itself computes; the hub.
  'src-main/gguf/**': {
    imports: [
      'src-main/basemodel',
      'src-main/safetensors',
      'src-main/datasets',
      'src-main/engine/model',
      'src-main/llamacpp',
      'src-main/files',
      'src-shared',
    ],
    packages: ['node', 'zod', '@huggingface/gguf'],
  },
  'src-main/llamacpp/**': { imports: ['src-main/files', 'src-shared'], packages: ['node', 'koffi', 'node-llama-cpp'] },
  'src-main/pickle/**': { imports: ['src-main/safetensors', 'src-main/files', 'src-shared'], packages: ['node'] },
  'src-main/hub/**': { imports: ['src-main/files', 'src-shared'], packages: ['node', 'zod', '@huggingface/hub'] },
  // What goes beside an exported model: a Modelfile for Ollama, a model card.
  'src-main/exporting/**': {
    imports: ['src-main/adapters/keptTemplate.ts', 'src-main/datasets', 'src-main/files', 'src-shared'],
    packages: ['node'],
  },
  // A run's record in the formats of tools that track experiments.
  'src-main/tracking/**': { imports: ['src-shared'], packages: ['node'] },
  // Several processes as one, through the MPI that has started them.
  'src-main/mpi/**': { imports: ['src-shared'], packages: ['node', 'koffi'] },
  'src-main/runfolder/**': { imports: ['src-main/files', 'src-shared'], packages: ['node'] },
  'src-main/worker/**': {
    imports: [
      'src-main/hardware/peakMemory.ts',
      'src-main/lab',
      'src-main/linalg',
      'src-main/mpi',
      'src-main/loading',
      'src-main/engine',
      'src-main/methods',
      'src-main/adapters',
      'src-main/basemodel',
      'src-main/safetensors',
      'src-main/merging',
      'src-main/recheck',
      'src-main/gguf',
      'src-main/llamacpp',
      'src-main/exporting',
      'src-main/datasets',
      'src-main/evaluation',
      'src-main/runfolder',
      'src-main/files',
      'src-shared',
    ],
    packages: ['node', '@tensorflow/tfjs-core', 'zod'],
  },

  // Slurm's own programs, asked on a machine that somebody else has reached.
  'src-main/slurm/**': { imports: ['src-shared'], types: ['src-main/remote'], packages: ['node'] },

  // Scripts that run a job without Graft's help: text only.
  'src-main/jobs/scripts/**': { imports: ['src-main/slurm/duration.ts', 'src-shared'] },
  // The process that trains a job: all that a worker has, and a job's folder in place of a parent.
  'src-main/jobs/process/**': {
    imports: [
      'src-main/jobs',
      'src-main/worker/control.ts',
      'src-main/worker/train',
      'src-main/engine/backends',
      'src-main/mpi',
      'src-main/slurm',
      'src-main/runfolder',
      'src-main/files',
      'src-shared',
    ],
    packages: ['node'],
  },
  'src-main/jobs/main.ts': { imports: ['src-main/jobs/process', 'src-shared'], packages: ['node'] },
  // The folder of a job: what lies in it, how it is made and read.
  'src-main/jobs/**': {
    imports: ['src-main/runfolder', 'src-main/gguf/pointer.ts', 'src-main/files', 'src-shared'],
    packages: ['node', 'zod'],
  },

  // The studio around it: rows in SQLite, services, the API, and three hosts.
  'src-main/catalog/**': { imports: ['src-shared'], packages: ['better-sqlite3'] },
  // What the system says of its hardware.
  'src-main/hardware/**': { imports: ['src-shared'], packages: ['node'] },

  // Other machines, by ssh, and this one, behind one contract.
  'src-main/remote/**': { imports: ['src-main/files', 'src-shared'], packages: ['node'] },

  'src-main/app/**': {
    imports: [
      'src-main/remote',
      'src-main/slurm',
      'src-main/jobs',
      'src-main/hardware',
      'src-main/catalog',
      'src-main/datasets',
      'src-main/basemodel',
      'src-main/adapters',
      'src-main/safetensors',
      'src-main/gguf',
      'src-main/llamacpp',
      'src-main/pickle',
      'src-main/hub',
      'src-main/exporting',
      'src-main/tracking',
      'src-main/runfolder',
      'src-main/threads',
      'src-main/loading/packedCache.ts',
      'src-main/files',
      // Of the methods and the model only what needs no tensor: files, places, counts.
      'src-main/methods/checkMethod.ts',
      'src-main/methods/fileRegistry.ts',
      'src-main/methods/formulas.ts',
      'src-main/methods/targets.ts',
      'src-main/engine/model/architecture.ts',
      // How the runs of a study compare: numbers only.
      'src-main/lab/study',
      'src-main/evaluation',
      'src-shared',
    ],
    packages: ['node', 'zod'],
  },
  'src-main/api/**': {
    imports: ['src-main/app', 'src-shared'],
    // Rows are shown to the page as they are kept.
    types: ['src-main/catalog', 'src-main/datasets', 'src-main/runfolder'],
    packages: ['zod', '@trpc/server'],
  },
  'src-main/hosts/electron/**': {
    imports: [
      'src-main/api',
      'src-main/app',
      'src-main/hosts/openai',
      'src-main/hosts/web',
      'src-main/files',
      'src-shared',
    ],
    types: ['src-main/catalog', 'src-main/hub'],
    packages: ['node', 'electron', 'zod', '@trpc/server'],
  },
  'src-main/hosts/openai/**': {
    imports: ['src-main/app/serving', 'src-main/hosts/web/guard.ts', 'src-shared'],
    packages: ['node', 'zod'],
  },
  'src-main/hosts/web/**': {
    imports: ['src-main/api', 'src-main/app', 'src-main/hosts/openai', 'src-main/files', 'src-shared'],
    packages: ['node', '@trpc/server', 'sirv'],
  },
  'src-main/hosts/cli/**': {
    imports: [
      'src-main/api',
      'src-main/app',
      'src-main/hosts/openai',
      'src-main/files',
      // `unmerge` needs no worker process.
      'src-main/merging/unmerge.ts',
      'src-main/lab/study',
      'src-main/methods/fileRegistry.ts',
      'src-main/adapters',
      'src-main/basemodel',
      // `worker` is the program of a job.
      'src-main/jobs',
      'src-shared',
    ],
    types: ['src-main/catalog'],
    packages: ['node', 'zod'],
  },

  // The page in the window: no Node, and of the main process only types.
  'src-renderer/lib/**': {
    imports: ['src-shared'],
    types: ['src-main/api', 'src-main/hosts/electron/bridge.ts'],
    packages: ['@trpc/client', '@trpc/server'],
  },
  'src-renderer/ui/**': {
    imports: ['src-renderer/lib', 'src-shared'],
    packages: ['svelte', 'bits-ui', '@lucide/svelte'],
  },
  'src-renderer/charts/**': {
    imports: ['src-renderer/lib', 'src-renderer/ui', 'src-shared'],
    packages: ['svelte', 'uplot', '@lucide/svelte'],
  },
  // What the Lab and an adapter's own page both show.
  'src-renderer/lab/**': {
    imports: ['src-renderer/charts', 'src-renderer/ui', 'src-renderer/lib', 'src-shared'],
    packages: ['svelte'],
  },
  // Getting a model, on the Models page and in the new run's first step.
  'src-renderer/models/**': {
    imports: ['src-renderer/ui', 'src-renderer/lib', 'src-shared'],
    packages: ['svelte'],
  },
  'src-renderer/pages/lazy.ts': { imports: ['src-renderer/pages'] },
  'src-renderer/pages/*/**': {
    imports: [
      'src-renderer/lab',
      'src-renderer/models',
      'src-renderer/charts',
      'src-renderer/ui',
      'src-renderer/lib',
      'src-shared',
    ],
    packages: ['svelte', 'bits-ui', '@lucide/svelte', '@observablehq/plot', 'virtua', 'diff'],
  },
  'src-renderer/shell/**': {
    imports: ['src-renderer/ui', 'src-renderer/lib', 'src-shared'],
    packages: ['svelte', 'bits-ui', '@lucide/svelte'],
  },
  // Translations; read before anything that has sentences.
  'src-renderer/locales/**': { types: ['src-renderer/lib'], packages: ['wuchale'] },
  'src-renderer/*': {
    imports: [
      'src-renderer/shell',
      'src-renderer/pages/lazy.ts',
      'src-renderer/ui',
      'src-renderer/lib',
      'src-renderer/locales',
      'src-shared',
    ],
    packages: ['svelte', 'wuchale', '@fontsource-variable/inter', '@fontsource-variable/jetbrains-mono'],
  },

  // What is around the product.
  'test-support/**': {
    // Rigs install what they need where they may.
    imports: ['src-main', 'src-shared', 'scripts/lib/debian.mjs'],
    packages: [
      'node',
      'vitest',
      '@huggingface/jinja',
      '@tensorflow/tfjs-core',
      'better-sqlite3',
      'fflate',
      'node-llama-cpp',
      'koffi',
    ],
  },
  'bench/**': {
    imports: ['src-main', 'src-shared', 'test-support', 'scripts/lib', 'e2e'],
    packages: ['node', 'vitest', '@tensorflow/tfjs-core', '@playwright/test', '@uwdata/flechette', 'fflate'],
  },
  'e2e/**': {
    imports: [
      'src-shared',
      'scripts/lib',
      'test-support/hostEntry.ts',
      'test-support/fakes/hub.ts',
      'test-support/fixtures/starterGguf.ts',
      'test-support/fixtures/tinyModel.ts',
      'test-support/fixtures/workbook.ts',
    ],
    types: ['src-main/api', 'src-main/hosts/electron/bridge.ts'],
    packages: ['node', '@playwright/test', 'axe-core'],
  },
  'scripts/*.test.ts': {
    imports: [
      'scripts',
      'src-main',
      'src-shared',
      'test-support',
      'package.json',
      'electron.vite.config.ts',
      'layers.config.mjs',
    ],
    packages: ['vitest', 'node', 'wuchale'],
  },
  'scripts/lib/i18n/**': { packages: ['node', 'svelte', 'wuchale'] },
  'scripts/lib/**': { packages: ['node', 'typescript', '@playwright/test', 'vite'] },
  'scripts/starter/**': {
    imports: ['src-main', 'src-shared', 'test-support'],
    packages: ['node', 'vitest'],
  },
  'scripts/*': {
    imports: ['scripts/lib', 'scripts/starter', 'src-shared', 'layers.config.mjs'],
    packages: ['node', '@playwright/test', 'vite', 'wuchale'],
  },
  '*': {
    imports: ['scripts/lib'],
    packages: [
      'node',
      'vite',
      'vitest',
      'electron-vite',
      '@sveltejs/vite-plugin-svelte',
      '@tailwindcss/vite',
      'wuchale',
      '@wuchale/svelte',
      '@playwright/test',
      'eslint-plugin-svelte',
      'typescript-eslint',
      'knip',
    ],
  },
};
