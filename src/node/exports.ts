export {
  LinkClosedError,
  LinkExpiredError,
  LinkFlushError,
  LinkRefusedError,
  LinkSupersededError,
  NoRouteError,
  PeerRefusedProtocolError,
  TooManyLinksError,
  UpgradeFailedError,
  UpgradeForbiddenError
} from '../link/index.ts'
export type * from './api.ts'
export { ConnectionMonitorError } from './connection-monitor.ts'
export type {
  CreateNodeInit,
  HoldfastNode,
  NodeServices,
  PageInfo
} from './create-node.ts'
export { DEFAULTS, InvalidOptionError } from './defaults.ts'
export { linkTransport } from './link-transport.ts'
export { type LinksService, links } from './links.ts'
export { RelayUnreachableError } from './relay-unreachable.ts'
