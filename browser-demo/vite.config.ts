import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** Set `HOLDFAST_DEMO_HOST=0.0.0.0` to serve other machines: they need https, which a proxy in front has to add. */
const host = process.env.HOLDFAST_DEMO_HOST ?? 'localhost'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  resolve: {
    // The demo runs the library's source, not what was built of it last.
    alias: { 'libp2p-holdfast': fileURLToPath(new URL('../src/index.browser.ts', import.meta.url)) }
  },
  server: { host },
  preview: { host },
  build: {
    // Browsers of the last two years.
    target: ['chrome131', 'edge131', 'firefox132', 'safari18.1'],
    sourcemap: true,
    // libp2p and its cryptography are one piece of 750 kB, 230 compressed.
    chunkSizeWarningLimit: 1_000
  }
})
