/** What users import, in Node.js. */
export * from './exports.ts'
export { createNode } from './preset.ts'
