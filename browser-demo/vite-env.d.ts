/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Relay multiaddrs, comma separated; `npm start` sets it. */
  readonly VITE_HOLDFAST_RELAYS?: string
  /** `stun:host:port`, comma separated; without it no STUN server is asked. */
  readonly VITE_HOLDFAST_STUN?: string
}
