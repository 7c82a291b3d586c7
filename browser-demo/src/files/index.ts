// Files between two pages. main.ts makes one model for the page, each card shows its peer's part of it:
//   const files = new FileTransfers()
//   await files.attach(node)
//   <FilesPanel files={files} peer={link.remotePeer} />
export { FilesPanel, type FilesPanelProps } from './files-panel.tsx'
export { FileTransfers } from './model.ts'
