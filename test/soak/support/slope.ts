/** By how much `y` grows per `x`, by least squares. */
export function slope(points: ReadonlyArray<readonly [x: number, y: number]>): number {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const x = mean(points.map(([x]) => x))
  const y = mean(points.map(([, y]) => y))
  const over = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return over / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}
