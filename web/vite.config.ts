import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The page runs under `default-src 'self'`: nothing may be inlined, neither
// small files as data: URIs nor a script that preloads modules.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: ['chrome105', 'edge105', 'firefox104', 'safari16'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
});
