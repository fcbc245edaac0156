import type { IdentityBackup } from '../shared/api.ts'
import { isThere, keepReplaced } from './cli/backup-file.ts'
import { longEnough, openBackup, sealBackup } from './relay/backup.ts'
import { storeIdentity, type Identity } from './relay/identity.ts'

/**
 * Puts the key in the place of that in `file`, in one step; the one before is kept beside it, and its name returned.
 * @throws AppError identity-unreadable, identity-unwritable, file-exists, file-unwritable, disk-full
 */
export async function replaceIdentity(
  identity: Identity,
  file: string,
  now: Date
): Promise<string | undefined> {
  const kept = (await isThere(file)) ? await keepReplaced(file, now) : undefined
  await storeIdentity(identity, file, kept !== undefined)
  return kept
}

/** Encrypted backups of a running node's key, made and taken one at a time: each costs a second and 256 MiB. */
export class IdentityBackups {
  #queue: Promise<unknown> = Promise.resolve()

  /** @throws AppError passphrase-unusable */
  export({ privateKey, peerId }: Identity, passphrase: string): Promise<IdentityBackup> {
    return this.#inTurn(async () => ({
      fileName: `waystation-${peerId.slice(-6)}.age`,
      text: await sealBackup(privateKey, longEnough(passphrase))
    }))
  }

  /** Keeps the backup's key in `file`. @throws AppError passphrase-wrong, backup-corrupt, and as `replaceIdentity` */
  import(file: string, backup: { text: string; passphrase: string }): Promise<{ peerId: string }> {
    return this.#inTurn(async () => {
      const identity = await openBackup(backup.text, backup.passphrase)
      await replaceIdentity(identity, file, new Date())
      return { peerId: identity.peerId }
    })
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action)
    this.#queue = result.catch(() => {})
    return result
  }
}
