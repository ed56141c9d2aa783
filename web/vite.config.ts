import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// In development the page is served by Vite and everything under /api goes to a running server.
const server = process.env['DIEMCAU'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  server: { proxy: { '/api': { target: server, ws: true, changeOrigin: false } } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    sourcemap: false,
    rolldownOptions: {
      output: {
        // The libraries change rarely: a post on a poor line keeps them in its cache over an update of the page.
        codeSplitting: {
          groups: [
            { name: 'mantine', test: /node_modules\/(@mantine|@floating-ui)/ },
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler|react-router)\// },
          ],
        },
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    // What hangs fails; how long anything takes on a busy machine says nothing.
    testTimeout: 60_000,
  },
});
