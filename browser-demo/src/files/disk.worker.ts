// Hashes, reads and writes files beside the page, which stays responsive.
import { RunningDigest } from './digest.ts'
import { type DiskAnswer, type DiskCall, type DiskRequest, diskFolder } from './disk-protocol.ts'

/** What TypeScript's DOM types have in those for workers only. */
interface AccessHandle {
  write(bytes: Uint8Array, options: { at: number }): number
  flush(): void
  close(): void
}
interface WorkerScope {
  onmessage: (event: MessageEvent<DiskCall>) => void
  postMessage(message: DiskAnswer, transfer?: Transferable[]): void
}

interface OpenStore {
  readonly handle: AccessHandle
  readonly digest: RunningDigest
}

const scope = globalThis as unknown as WorkerScope
const stores = new Map<number, OpenStore>()
const sources = new Map<number, { readonly file: File; readonly digest: RunningDigest }>()

scope.onmessage = ({ data: { call, request } }) => {
  perform(request).then(
    (value) => scope.postMessage({ call, value }, value instanceof Uint8Array ? [value.buffer] : []),
    (err: Error) => scope.postMessage({ call, error: err.message })
  )
}

async function perform(request: DiskRequest): Promise<DiskAnswer['value']> {
  switch (request.op) {
    case 'create':
      return create(request.folder, request.store)
    case 'write':
      return write(there(stores, request.store), request.bytes)
    case 'finish':
      return finish(request.store)
    case 'remove':
      return remove(request.folder, request.store)
    case 'open':
      sources.set(request.source, { file: request.file, digest: new RunningDigest() })
      return
    case 'read':
      return read(request)
    case 'digest':
      return there(sources, request.source).digest.hex()
    case 'close':
      sources.delete(request.source)
  }
}

async function folderOf(folder: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory()
  const all = await root.getDirectoryHandle(diskFolder, { create: true })
  return all.getDirectoryHandle(folder, { create: true })
}

async function create(folder: string, store: number): Promise<undefined> {
  const file = await (await folderOf(folder)).getFileHandle(String(store), { create: true })
  const { createSyncAccessHandle } = file as unknown as { createSyncAccessHandle(): Promise<AccessHandle> }
  stores.set(store, { handle: await createSyncAccessHandle.call(file), digest: new RunningDigest() })
}

function write({ handle, digest }: OpenStore, bytes: Uint8Array): undefined {
  const written = handle.write(bytes, { at: digest.bytes })
  if (written !== bytes.byteLength) throw new Error('the disk is full')
  digest.update(bytes)
}

function finish(store: number): string {
  const { handle, digest } = there(stores, store)
  handle.flush()
  handle.close()
  stores.delete(store)
  return digest.hex()
}

async function remove(folder: string, store: number): Promise<undefined> {
  stores.get(store)?.handle.close()
  stores.delete(store)
  await (await folderOf(folder)).removeEntry(String(store))
}

async function read({ source, from, to }: { source: number; from: number; to: number }) {
  const { file, digest } = there(sources, source)
  const bytes = new Uint8Array(await file.slice(from, to).arrayBuffer())
  digest.update(bytes, from)
  return bytes
}

function there<T>(map: Map<number, T>, key: number): T {
  const value = map.get(key)
  if (value == null) throw new Error('this file is not open')
  return value
}
