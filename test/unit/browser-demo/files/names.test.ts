import { expect, it } from 'vitest'
import { safeName } from '../../../../browser-demo/src/files/names.ts'

it.each([
  ['holiday photo.jpg', 'holiday photo.jpg'],
  ['Übung 日本語.txt', 'Übung 日本語.txt'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\Windows\\system32\\cmd.exe', 'cmd.exe'],
  ['/', 'file'],
  ['', 'file'],
  ['..', 'file'],
  ['.bashrc', 'bashrc'],
  ['trailing. . ', 'trailing'],
  ['line\nbreak\u0000.txt', 'linebreak.txt'],
  ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
  ['zero\u200Bwidth.txt', 'zerowidth.txt'],
  ['half \uD800 pair', 'half  pair'],
  ['a<b>c:d"e|f?g*h', 'a_b_c_d_e_f_g_h'],
  ['CON', '_CON'],
  ['nul.txt', '_nul.txt'],
  ['console.log', 'console.log']
])('%j becomes %j', (name, safe) => {
  expect(safeName(name)).toBe(safe)
})

it('what is too long keeps its extension', () => {
  const safe = safeName(`${'x'.repeat(5_000)}.tar.gz`)
  expect([...safe]).toHaveLength(200)
  expect(safe).toMatch(/x\.gz$/)
  expect([...safeName('😀'.repeat(300))]).toHaveLength(200)
})

it('what is safe stays as it is', () => {
  for (const name of ['../a\u202Eb', 'CON.txt', `${'y'.repeat(900)}.pdf`]) {
    expect(safeName(safeName(name))).toBe(safeName(name))
  }
})
