import { describe, expect, it } from 'vitest'
import { Command, temporaryFolder } from '../support/command.ts'
import { findProgram, missing } from '../support/needs.ts'

const canUnshare = process.getuid?.() === 0 && findProgram('unshare') !== undefined

describe.skipIf(missing('root and unshare (Debian: util-linux), to take the network away,', canUnshare))(
  'without any network',
  () => {
    it('starts on its defaults, and waits for one', async () => {
      await using folder = await temporaryFolder()
      await using node = new Command(['--data-dir', folder.dir], { under: ['unshare', '--net'] })

      const { addresses } = await node.listening()

      expect(addresses).toEqual([])
      expect(node.running).toBe(true)
      expect((await node.kill('SIGTERM')).code).toBe(0)
    })
  }
)
