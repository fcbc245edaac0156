import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/command.ts'
import { ROOT } from '../support/package.ts'

const execute = promisify(execFile)

/** A machine's root folder, as far as the scripts of deb and rpm touch it. */
async function machine(root: string, { appArmor }: { appArmor: boolean }): Promise<Machine> {
  for (const folder of ['usr/bin', 'etc/apparmor.d', 'opt/Waystation/resources/bin', 'programs']) {
    await mkdir(path.join(root, folder), { recursive: true })
  }
  await writeFile(path.join(root, 'opt/Waystation/chrome-sandbox'), '')
  await writeFile(path.join(root, 'opt/Waystation/resources/apparmor-profile'), 'profile')
  const log = path.join(root, 'log')
  const program = async (name: string, code: number): Promise<void> => {
    const file = path.join(root, 'programs', name)
    await writeFile(file, `#!/bin/sh\necho "${name} $*" >>'${log}'\nexit ${code}\n`)
    await chmod(file, 0o755)
  }
  await program('apparmor_status', appArmor ? 0 : 1)
  await program('apparmor_parser', 0)
  await program('update-desktop-database', 0)
  return {
    link: path.join(root, 'usr/bin/waystation'),
    profile: path.join(root, 'etc/apparmor.d/waystation'),
    log: () => readFile(log, 'utf8').catch(() => ''),
    run: async (script, ...args) => {
      const text = await readFile(path.join(ROOT, 'build/linux', script), 'utf8')
      // As electron-builder fills it in; then with the places of this machine.
      const filled = text
        .replaceAll('${executable}', 'waystation')
        .replaceAll('${sanitizedProductName}', 'Waystation')
        .replace(/(?<=')\/(?=(usr\/bin|etc|opt)\/)/g, `${root}/`)
        // A chroot has no AppArmor of its own, and this test may run in one.
        .replaceAll('/usr/bin/ischroot', `${root}/programs/ischroot`)
      const PATH = `${root}/programs:${process.env['PATH'] ?? ''}`
      await execute('bash', ['-euc', filled, script, ...args], { env: { PATH } })
    }
  }
}

interface Machine {
  link: string
  profile: string
  log: () => Promise<string>
  run: (script: 'after-install.sh' | 'after-remove.sh', ...args: string[]) => Promise<void>
}

const linkOf = (file: string): Promise<string | undefined> => readlink(file).catch(() => undefined)

describe.runIf(process.platform === 'linux')('the scripts of deb and rpm', () => {
  it('put the command on the PATH', async () => {
    await using folder = await temporaryFolder()
    const { run, link } = await machine(folder.dir, { appArmor: false })
    await run('after-install.sh', 'configure')
    expect(await linkOf(link)).toBe(`${folder.dir}/opt/Waystation/resources/bin/waystation`)
  })

  it('load the AppArmor profile where there is AppArmor', async () => {
    await using folder = await temporaryFolder()
    const { run, profile, log } = await machine(folder.dir, { appArmor: true })
    await run('after-install.sh', 'configure')
    expect(await readFile(profile, 'utf8')).toBe('profile')
    expect(await log()).toContain(`apparmor_parser --replace --write-cache --skip-read-cache ${profile}`)
  })

  it('leave AppArmor alone where there is none', async () => {
    await using folder = await temporaryFolder()
    const { run, profile, log } = await machine(folder.dir, { appArmor: false })
    await run('after-install.sh', 'configure')
    await expect(readFile(profile)).rejects.toThrow('ENOENT')
    expect(await log()).not.toContain('apparmor_parser')
  })

  it.each([['upgrade'], ['failed-upgrade'], ['1']])(
    'keep all in an update, which calls them with %s',
    async word => {
      await using folder = await temporaryFolder()
      const { run, link, profile } = await machine(folder.dir, { appArmor: true })
      await run('after-install.sh', 'configure')
      await run('after-remove.sh', word)
      expect(await linkOf(link)).toBeDefined()
      expect(await readFile(profile, 'utf8')).toBe('profile')
    }
  )

  it.each([['remove'], ['purge'], ['0']])(
    'take all away when the package goes, which calls them with %s',
    async word => {
      await using folder = await temporaryFolder()
      const { run, link, profile, log } = await machine(folder.dir, { appArmor: true })
      await run('after-install.sh', 'configure')
      await run('after-remove.sh', word)
      expect(await linkOf(link)).toBeUndefined()
      await expect(readFile(profile)).rejects.toThrow('ENOENT')
      expect(await log()).toContain(`apparmor_parser --remove ${profile}`)
    }
  )

  it('leave a command of someone else where it is', async () => {
    await using folder = await temporaryFolder()
    const { run, link } = await machine(folder.dir, { appArmor: false })
    await symlink('/usr/local/bin/other', link)
    await run('after-remove.sh', 'remove')
    expect(await linkOf(link)).toBe('/usr/local/bin/other')
  })
})
