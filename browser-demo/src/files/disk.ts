// The page's private file system (OPFS), written by a worker: 1 GB never is in memory.
import { type DiskAnswer, type DiskRequest, diskFolder } from './disk-protocol.ts'
import { MemoryStorage } from './memory.ts'
import { type Source, type Storage, StorageError, type Store } from './storage.ts'

const lockName = (folder: string): string => `${diskFolder}/${folder}`

/** One worker for all files of the page. */
export class Disk {
  #worker: Worker | undefined
  readonly #calls = new Map<number, PromiseWithResolvers<DiskAnswer['value']>>()
  readonly #folder = crypto.randomUUID()
  #lastCall = 0
  #lastFile = 0
  #prepared: Promise<Storage> | undefined

  /** On the disk where there is one, in memory otherwise. */
  readonly storage: Storage = {
    create: async (sizeBytes) => {
      this.#prepared ??= this.#prepare()
      return (await this.#prepared).create(sizeBytes)
    }
  }

  readonly openSource = (file: File): Source => {
    const source = ++this.#lastFile
    const opened = this.#call({ op: 'open', source, file })
    // It fails with the worker only; then whoever reads hears of that.
    opened.catch(() => {})
    return {
      name: file.name,
      sizeBytes: file.size,
      read: async (from, to) => {
        await opened
        return (await this.#call({ op: 'read', source, from, to })) as Uint8Array
      },
      digest: async () => (await this.#call({ op: 'digest', source })) as string,
      close: () => {
        this.#call({ op: 'close', source }).catch(() => {})
      }
    }
  }

  async #prepare(): Promise<Storage> {
    try {
      const root = await navigator.storage.getDirectory()
      const all = await root.getDirectoryHandle(diskFolder, { create: true })
      await holdLock(lockName(this.#folder))
      void removeLeftovers(all)
      return { create: (sizeBytes) => this.#create(sizeBytes) }
    } catch (err) {
      console.info('Files are kept in memory: this browser gives the page no disk', err)
      return new MemoryStorage()
    }
  }

  async #create(sizeBytes: number): Promise<Store> {
    const { quota = Number.POSITIVE_INFINITY, usage = 0 } = await navigator.storage.estimate()
    if (quota - usage < sizeBytes) {
      throw new StorageError('This browser gives the page too little room on the disk: remove some files')
    }
    const folder = this.#folder
    const store = ++this.#lastFile
    await this.#call({ op: 'create', folder, store })
    return {
      write: async (bytes) => {
        await this.#call({ op: 'write', store, bytes }, [bytes.buffer])
      },
      finish: async () => (await this.#call({ op: 'finish', store })) as string,
      contents: async () => (await fileOf(folder, store)).getFile(),
      remove: async () => {
        await this.#call({ op: 'remove', folder, store })
      }
    }
  }

  #call(request: DiskRequest, transfer: Transferable[] = []): Promise<DiskAnswer['value']> {
    const call = ++this.#lastCall
    const answer = Promise.withResolvers<DiskAnswer['value']>()
    this.#calls.set(call, answer)
    this.#running.postMessage({ call, request }, transfer)
    return answer.promise
  }

  /** Started with the first file: most pages never have one. */
  get #running(): Worker {
    if (this.#worker == null) {
      this.#worker = new Worker(new URL('./disk.worker.ts', import.meta.url), { type: 'module', name: 'files' })
      this.#worker.onmessage = ({ data }: MessageEvent<DiskAnswer>) => this.#onAnswer(data)
      this.#worker.onerror = ({ message }) => this.#onError(message)
    }
    return this.#worker
  }

  #onAnswer({ call, value, error }: DiskAnswer): void {
    const answer = this.#calls.get(call)
    this.#calls.delete(call)
    if (error == null) answer?.resolve(value)
    else answer?.reject(new Error(error))
  }

  #onError(message: string): void {
    for (const { reject } of this.#calls.values()) reject(new Error(`the file worker failed: ${message}`))
    this.#calls.clear()
  }
}

async function fileOf(folder: string, store: number): Promise<FileSystemFileHandle> {
  const all = await (await navigator.storage.getDirectory()).getDirectoryHandle(diskFolder)
  return (await all.getDirectoryHandle(folder)).getFileHandle(String(store))
}

/** Says that the page lives, as long as it does. */
function holdLock(name: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  navigator.locks
    .request(name, () => {
      resolve()
      return new Promise(() => {})
    })
    .catch(reject)
  return promise
}

/** Folders of pages that are gone: closed, reloaded or crashed. */
async function removeLeftovers(all: FileSystemDirectoryHandle): Promise<void> {
  for await (const folder of all.keys()) {
    await navigator.locks.request(lockName(folder), { ifAvailable: true }, async (lock) => {
      if (lock != null) await all.removeEntry(folder, { recursive: true }).catch(() => {})
    })
  }
}
