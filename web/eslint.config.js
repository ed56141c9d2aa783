import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/protocol/openapi.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // TypeScript wants brackets on index signatures, and it is right: the name is not a promise.
      '@typescript-eslint/dot-notation': 'off',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.tsx', 'src/**/use*.ts'],
    ...hooks.configs.flat['recommended-latest'],
    rules: {
      ...hooks.configs.flat['recommended-latest'].rules,
      // It concerns React's compiler, which this build does not run; the virtual lists need their library.
      'react-hooks/incompatible-library': 'off',
    },
  },
  // View-models and media know no React: they are what tests drive and what a wall or a kiosk may reuse.
  {
    files: ['src/{models,protocol,media}/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['react', 'react-dom', 'react-*', '@mantine/*'] }],
    },
  },
);
