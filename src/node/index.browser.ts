/** What users import, in browsers. */
export * from './exports.ts'
export { createNode } from './preset.browser.ts'
