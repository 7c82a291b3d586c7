/** As most file systems have it. */
const maxNameLength = 200

const devices = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/**
 * What a peer calls a file, made fit to be shown and saved: no path, nothing invisible or that turns text around, no leading
 * dot, not too long with its extension kept.
 */
export function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const visible = last
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '')
  const named = visible === '' ? 'file' : devices.test(visible) ? `_${visible}` : visible
  return shortened(named)
}

function shortened(name: string): string {
  const characters = [...name]
  if (characters.length <= maxNameLength) return name
  const extension = /\.[^.]{1,16}$/u.exec(name)?.[0] ?? ''
  return characters.slice(0, maxNameLength - [...extension].length).join('') + extension
}
