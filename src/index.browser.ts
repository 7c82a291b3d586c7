export * from './node/index.browser.ts'
