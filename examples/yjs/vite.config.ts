import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  resolve: {
    // Run from here it is the library's source; a page of your own takes the package and needs no alias.
    alias: { 'libp2p-holdfast': fileURLToPath(new URL('../../src/index.browser.ts', import.meta.url)) }
  },
  build: {
    // Browsers of the last two years.
    target: ['chrome131', 'edge131', 'firefox132', 'safari18.1']
  }
})
