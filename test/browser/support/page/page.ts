// What specs find in a page: the library as `holdfast`, and from the fixtures `relays` and `stunUrl`.
/// <reference types="vite/client" />
const library = import.meta.glob('../../../../src/index.browser.ts', { eager: true })

Object.assign(globalThis, { holdfast: Object.values(library)[0] ?? {}, ready: true })
