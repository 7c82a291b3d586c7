/** One rule of the product, broken on purpose in a copy of the tree: some schedule of the simulations must notice. */
export interface Mutation {
  /** What is done wrong. */
  readonly breaks: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}
