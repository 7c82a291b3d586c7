/** The earlier of two deadlines, either of which may not be set. */
export function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a == null) return b
  return b == null ? a : Math.min(a, b)
}
