import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/shared/errors.ts'
import { offerToGoBack } from '../../../app/main/desktop/go-back.ts'
import { textsFor } from '../../../app/main/desktop/texts.ts'

const texts = textsFor('en')

/** Asks, answers with that button, and says what was shown and done. */
async function offered(previous: string | undefined, button: string, problem?: Error): Promise<string[]> {
  const done: string[] = []
  await offerToGoBack(
    {
      dialog: {
        showMessageBox: async (...given: unknown[]) => {
          const box = given.at(-1) as { type?: string; message?: string; detail?: string; buttons?: string[] }
          done.push((box.type === 'error' ? box.detail : box.message) ?? '')
          return { response: box.buttons?.indexOf(button) ?? 0, checkboxChecked: false }
        }
      },
      updates: {
        info: { state: 'off', ...(previous !== undefined && { previous }) },
        offerPrevious: async () => {
          if (problem !== undefined) throw problem
          done.push('got')
        }
      }
    },
    { version: '1.1.0', texts }
  )
  return done
}

describe('the offer to go back', () => {
  const asked = 'Waystation 1.1.0 did not start well twice.'

  it('is not made without a reason', async () => {
    expect(await offered(undefined, 'Go on')).toEqual([])
  })

  it('gets the version before for who takes it, and nothing for who goes on', async () => {
    expect(await offered('1.0.0', 'Get version 1.0.0')).toEqual([asked, 'got'])
    expect(await offered('1.0.0', 'Go on')).toEqual([asked])
  })

  it('says why it could not be got', async () => {
    const problem = new AppError('update-failed', 'No network.')
    expect(await offered('1.0.0', 'Get version 1.0.0', problem)).toEqual([asked, 'No network.'])
  })
})
