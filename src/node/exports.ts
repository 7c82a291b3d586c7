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
export {
  type CreateNodeInit,
  type HoldfastNode,
  type NodeServices,
  type PageInfo,
  RelayUnreachableError
} from './create-node.ts'
export { DEFAULTS, InvalidOptionError } from './defaults.ts'
export { linkTransport } from './link-transport.ts'
export { type LinksService, links } from './links.ts'
