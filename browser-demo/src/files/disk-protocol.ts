// Between the page and its file worker. Answers carry the number of the request.
export type DiskRequest =
  | { readonly op: 'create'; readonly folder: string; readonly store: number }
  | { readonly op: 'write'; readonly store: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly op: 'finish'; readonly store: number }
  | { readonly op: 'remove'; readonly folder: string; readonly store: number }
  | { readonly op: 'open'; readonly source: number; readonly file: File }
  | { readonly op: 'read'; readonly source: number; readonly from: number; readonly to: number }
  | { readonly op: 'digest'; readonly source: number }
  | { readonly op: 'close'; readonly source: number }

export interface DiskCall {
  readonly call: number
  readonly request: DiskRequest
}

export interface DiskAnswer {
  readonly call: number
  readonly value?: Uint8Array<ArrayBuffer> | string
  readonly error?: string
}

/** All of this demo's files in the page's private file system; one folder per page in it. */
export const diskFolder = 'holdfast-demo-files'
