// Breaks paths on purpose and counts what is lost. main.ts makes one for the page, before the node:
//   const chaos = new Chaos({ upgrade: config.upgrade })
//   const node = await createNode({ ...config, upgrade: chaos.upgrade })
//   await chaos.attach(node)
//   chaos.count('files', (peer) => files.traffic(peer))
//   <ChaosDrawer chaos={chaos} peer={link.remotePeer} />     it is a <details> by itself, closed at first
export { ChaosDrawer, type ChaosDrawerProps } from './chaos-drawer.tsx'
export { Chaos, type ChaosInit, type Traffic } from './model.ts'
