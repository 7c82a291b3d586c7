export interface DemoConfig {
  relays: string[]
  stunServers: string[]
  upgrade: 'auto' | 'never'
}

const list = (text: string | undefined): string[] => (text ?? '').split(',').flatMap((item) => item.trim() || [])

/** The page's query wins over what the page was built with: `?relay=…&stun=…&upgrade=never`. */
export function readConfig(query: URLSearchParams): DemoConfig {
  const choose = (name: string, built: string | undefined): string[] =>
    query.has(name) ? query.getAll(name).flatMap(list) : list(built)
  return {
    relays: choose('relay', import.meta.env.VITE_HOLDFAST_RELAYS),
    stunServers: choose('stun', import.meta.env.VITE_HOLDFAST_STUN),
    upgrade: query.get('upgrade') === 'never' ? 'never' : 'auto'
  }
}
