// The same in pages: Chromium dials Firefox.
import { describe, it } from 'vitest'
import { findBrowsers } from '../../scripts/browsers.ts'
import { whyNot } from './support/renewal/place.ts'
import { type Kinds, provesChat, provesTransfer } from './support/renewal/suite.ts'
import { amount, isFull } from './support/soak.ts'

const kinds: Kinds = ['chromium', 'firefox']
const { chromium, firefox } = await findBrowsers()

describe.skipIf(whyNot != null || chromium == null || firefox == null)(
  'Chromium and Firefox, over a stock relay',
  () => {
    it('carry what is longer than a circuit of 128 KiB', async () => {
      const bytes = amount(1_048_576, 10_485_760)
      await provesTransfer(`chromium to firefox, ${bytes / 1_048_576} MiB over a stock relay`, {
        kinds,
        bytes,
        circuits: amount(8, 80)
      })
    })

    it('chat for longer than a circuit lives', async () => {
      await provesChat(
        isFull ? '10 minutes of chat, chromium and firefox' : 'chat over circuits of 6 s, chromium and firefox',
        {
          kinds,
          limits: isFull ? {} : { seconds: 6 },
          chatMs: amount(10_000, 600_000),
          everyMs: amount(200, 1_000),
          circuits: amount(3, 5)
        }
      )
    })
  }
)
