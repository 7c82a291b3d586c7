// The library and `Person` as a bundler ships them; what else specs find in a page comes from the fixtures.
import * as holdfast from '../../../../src/index.browser.ts'
import { Person } from './person.ts'

Object.assign(globalThis, { holdfast, Person, ready: true })
