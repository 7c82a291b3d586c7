/** The same object with some properties replaced; methods keep their `this`. */
export function override<T extends object>(target: T, replaced: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(target, {
    get(object, property) {
      if (Object.hasOwn(replaced, property)) return replaced[property as keyof T]
      const value = Reflect.get(object, property)
      return typeof value === 'function' ? value.bind(object) : value
    }
  })
}
