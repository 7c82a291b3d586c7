/** Who a page is, from one page load to the next. Browsers only. */
export { keptIdentity, type PageIdentity, temporaryIdentity } from './page-identity.ts'
