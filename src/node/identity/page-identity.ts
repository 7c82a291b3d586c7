import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { createStore, get, set } from 'idb-keyval'
import { Slot } from './slot.ts'

/** Who this page is. */
export interface PageIdentity {
  readonly privateKey: PrivateKey
  /** Whether the next page load of this tab has the same PeerId. */
  readonly kept: boolean
  /** In words, for people, where there is something to say: another tab uses the first identity, nothing can be kept. */
  readonly note?: string
  /** Let others have it: the page goes into the back/forward cache, or the node has stopped. */
  release(): void
  /** Take it back. False: another tab has it now. */
  reclaim(): Promise<boolean>
}

/**
 * The identity this browser keeps for this origin, in IndexedDB. No two live pages share one, as their peers could not tell
 * them apart: Web Locks see to that, and a second tab gets another one, which is kept as well.
 */
export async function keptIdentity(name: string): Promise<PageIdentity> {
  if (globalThis.navigator?.locks == null || globalThis.indexedDB == null) {
    return temporary('This page cannot keep an identity: that takes https or localhost, and a browser with Web Locks.')
  }
  const slot = await Slot.claim(name, remembered(name))
  if (slot == null) return temporary('Too many tabs of this page are open to keep an identity for each.')
  try {
    const privateKey = await load(slot.key)
    remember(slot)
    return {
      privateKey,
      kept: true,
      note: slot.index === 0 ? undefined : 'Another tab uses the first identity of this browser: this tab has its own.',
      release: () => slot.release(),
      reclaim: () => slot.reclaim()
    }
  } catch (err) {
    slot.release()
    return temporary(`This browser keeps nothing for this page (${(err as Error).message}).`)
  }
}

export async function temporaryIdentity(): Promise<PageIdentity> {
  const privateKey = await generateKeyPair('Ed25519')
  return { privateKey, kept: false, release: () => {}, reclaim: async () => true }
}

async function temporary(why: string): Promise<PageIdentity> {
  return { ...(await temporaryIdentity()), note: `${why} The PeerId changes with each page load.` }
}

/** Only ever called by whoever holds the slot's lock. */
async function load(key: string): Promise<PrivateKey> {
  const store = createStore('libp2p-holdfast', 'identities')
  const stored = await get<Uint8Array>(key, store)
  if (stored != null) return privateKeyFromProtobuf(stored)
  const privateKey = await generateKeyPair('Ed25519')
  await set(key, privateKeyToProtobuf(privateKey), store)
  return privateKey
}

const itemName = (name: string): string => `libp2p-holdfast/identity/${name}`

/** A tab stays who it was, though tabs before it have closed. Pages may be denied their storage. */
function remembered(name: string): number | undefined {
  try {
    const item = sessionStorage.getItem(itemName(name))
    return item == null ? undefined : Number(item)
  } catch {
    return undefined
  }
}

function remember(slot: Slot): void {
  try {
    sessionStorage.setItem(itemName(slot.name), `${slot.index}`)
  } catch {
    // The next page load takes the first slot that is free.
  }
}
