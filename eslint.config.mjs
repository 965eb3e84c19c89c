import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import vue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'
import vueParser from 'vue-eslint-parser'

const nodeGlobals = Object.fromEntries(
  ['AbortController', 'Buffer', 'URL', 'clearInterval', 'clearTimeout', 'console', 'fetch']
    .concat(['performance', 'process', 'setInterval', 'setTimeout', 'structuredClone'])
    .map((name) => [name, 'readonly']),
)

// In the simulated machine time is `k.clock`, chance is `k.random`, order is the run queue: the same
// seed must give the same bytes everywhere.
const nondeterministic = ['Date', 'Intl', 'performance', 'queueMicrotask', 'setImmediate']
  .concat(['setInterval', 'setTimeout', 'requestAnimationFrame', 'crypto', 'fetch'])
  .map((name) => ({
    name,
    message: 'The kernel is deterministic: use the kernel clock or random.',
  }))

export default defineConfig(
  { ignores: ['node_modules/', 'out/', 'dist/', 'reports/', 'coverage/', '**/*.generated.ts'] },

  js.configs.recommended,
  ...tseslint.configs.recommended,
  ...vue.configs['flat/recommended'],
  // Layout is Prettier's.
  { rules: vue.configs['no-layout-rules'].rules },

  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      'object-shorthand': 'error',
      'no-implicit-coercion': ['error', { boolean: false }],
      'no-debugger': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          caughtErrorsIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
    },
  },

  {
    files: ['**/*.vue'],
    languageOptions: { parser: vueParser, parserOptions: { parser: tseslint.parser } },
    rules: {
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/define-macros-order': 'error',
      'no-undef': 'off',
      'vue/multi-word-component-names': 'off',
      'vue/no-v-html': 'error',
      'vue/require-default-prop': 'off',
    },
  },

  {
    // A promise nobody waits for is an error nobody sees. These rules need the types.
    files: ['src/main/{app,catalogue,cli,lab}/**/*.ts', 'src/preload/**/*.ts', 'e2e/**/*.ts'],
    languageOptions: { parserOptions: { project: ['tsconfig.node.json', 'tsconfig.e2e.json'] } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['scripts/**/*.{mjs,cjs,js}', 'bench/**/*.mjs', '*.mjs'],
    languageOptions: { globals: nodeGlobals },
    rules: { 'no-undef': 'error' },
  },
  {
    files: ['**/*.cjs', 'scripts/fallback/**/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', __dirname: 'readonly' },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },

  {
    files: ['src/main/kernel/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': ['error', ...nondeterministic],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Use the kernel random.' },
        { property: 'localeCompare', message: 'Order must not depend on the locale.' },
        { property: 'toLocaleString', message: 'Text must not depend on the locale.' },
      ],
      'no-console': 'error',
    },
  },

  {
    // A kernel routine, and a driver's routine in a test, is a generator whether it waits or not.
    files: ['src/main/kernel/**/*.ts'],
    rules: { 'require-yield': 'off' },
  },

  {
    // Tests show that what is forbidden is indeed refused.
    files: ['**/*.{test,spec}.{ts,mjs}'],
    rules: { 'no-eval': 'off', 'no-new-func': 'off' },
  },

  {
    // Toy drivers read like the C they teach: Windows names, and what they get wrong is the point.
    files: ['samples/**/*.ts', 'conformance/**/*.ts', 'mutations/**/*.ts'],
    rules: { '@typescript-eslint/no-unused-vars': 'off', 'prefer-const': 'off' },
  },
)
