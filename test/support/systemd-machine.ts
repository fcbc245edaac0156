import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, rmdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from './needs.ts'
import { ROOT } from './package.ts'
import { until } from './until.ts'

const execute = promisify(execFile)

/** Whether this machine can boot one: root with the right to mount, and systemd-nspawn. */
export function canBoot(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  if (findProgram('systemd-nspawn') === undefined || !existsSync('/lib/systemd/systemd')) return false
  return spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0
}

const IN_MACHINE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin'

/** What a booted system takes from this one beside /usr. */
const FROM_HERE = ['passwd', 'group', 'nsswitch.conf', 'os-release']

/**
 * A system of its own, with systemd as its first process, on this one's programs and a loopback interface alone. Below
 * /usr/local are this process's Node and the unpacked `tarball`, as `npm install -g` leaves them, with the checkout's
 * modules.
 */
export class SystemdMachine {
  readonly #dir: string
  readonly #container: ChildProcess
  readonly #groups: string[]

  private constructor(dir: string, container: ChildProcess, groups: string[]) {
    this.#dir = dir
    this.#container = container
    this.#groups = groups
  }

  static async boot(tarball: string): Promise<SystemdMachine> {
    const dir = await mkdtemp(path.join(tmpdir(), 'waystation-machine-'))
    const root = path.join(dir, 'root')
    const local = path.join(dir, 'local')
    await makeRoot(root)
    await makeLocal(local, tarball)
    const modules = await realpath(path.join(ROOT, 'node_modules'))
    const binds = [
      '/usr',
      `${local}:/usr/local`,
      `${process.execPath}:/usr/local/bin/node`,
      `${modules}:/usr/local/lib/node_modules/waystation/node_modules`
    ]
    const flags = ['--quiet', '--register=no', '--keep-unit', '--private-network', '--console=pipe', '--boot']
    const groups = await makeGroups(path.basename(dir))
    // It takes the group of whoever starts it, and two systems in one group would disturb each other.
    const join = groups.map(group => `echo $$ > ${group}/cgroup.procs; `).join('')
    const args = [...flags, `--directory=${root}`, ...binds.map(bind => `--bind-ro=${bind}`)]
    const container = spawn('sh', ['-c', `${join} exec systemd-nspawn "$@"`, 'sh', ...args], {
      stdio: 'ignore'
    })
    const machine = new SystemdMachine(dir, container, groups)
    try {
      await until('the system has booted', () => machine.#isUp(), 60)
      // nspawn lays one of its own over the boot id, but only where /proc is not mounted anew, as it is for services.
      // Elsewhere services and people see the same one.
      await machine.sh('umount /proc/sys/kernel/random/boot_id')
      return machine
    } catch (error) {
      await machine[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Runs a shell's line as root in there; its output. */
  async sh(line: string): Promise<string> {
    const enter = [
      '--target',
      String(this.#leader() ?? -1),
      '--mount',
      '--uts',
      '--ipc',
      '--net',
      '--pid',
      '--'
    ]
    const env = { PATH: IN_MACHINE_PATH, HOME: '/root', LANG: 'C.UTF-8' }
    const { stdout } = await execute('nsenter', [...enter, '/bin/sh', '-ec', line], { env, timeout: 100_000 })
    return stdout.trim()
  }

  /** One property of a unit. */
  async property(unit: string, name: string): Promise<string> {
    return this.sh(`systemctl show --property=${name} --value ${unit}`)
  }

  async writeFile(file: string, text: string): Promise<void> {
    const target = path.join(this.#dir, 'root', file)
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, text)
  }

  async #isUp(): Promise<boolean> {
    return (await this.sh('systemctl is-active multi-user.target').catch(() => '')) === 'active'
  }

  /** Its first process, by this machine's number. */
  #leader(): number | undefined {
    const args = ['--ppid', String(this.#container.pid ?? -1), '-o', 'pid=,comm=']
    const [, pid] = /(\d+) systemd$/m.exec(spawnSync('ps', args).stdout.toString()) ?? []
    return pid === undefined ? undefined : Number(pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const leader = this.#leader()
    const ended = this.#container.exitCode !== null || this.#container.signalCode !== null
    const gone = ended ? undefined : once(this.#container, 'close')
    this.#container.kill('SIGKILL')
    // The first process of a pid namespace takes all others with it.
    if (leader !== undefined) process.kill(leader, 'SIGKILL')
    await gone
    for (const group of this.#groups) {
      await until('the control group is empty', () => removeGroup(group).then(() => !existsSync(group)))
    }
    await rm(this.#dir, { recursive: true, force: true })
  }
}

async function makeRoot(root: string): Promise<void> {
  for (const folder of ['usr', 'etc/systemd/system', 'var', 'tmp', 'run', 'proc', 'sys', 'dev', 'root']) {
    await mkdir(path.join(root, folder), { recursive: true })
  }
  for (const link of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${link}`, path.join(root, link))
  for (const file of FROM_HERE) await copyFile(path.join('/etc', file), path.join(root, 'etc', file))
  // Without units of this machine's own: what else is installed here is no matter.
  await writeFile(path.join(root, 'etc/machine-id'), '')
}

async function makeLocal(local: string, tarball: string): Promise<void> {
  const waystation = path.join(local, 'lib/node_modules/waystation')
  await mkdir(path.join(waystation, 'node_modules'), { recursive: true })
  await mkdir(path.join(local, 'bin'))
  await execute('tar', ['-xzf', tarball, '--strip-components=1', '-C', waystation])
  const { bin } = JSON.parse(await readFile(path.join(waystation, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  for (const [name, file] of Object.entries(bin)) {
    await symlink(path.join('../lib/node_modules/waystation', file), path.join(local, 'bin', name))
  }
  await writeFile(path.join(local, 'bin/node'), '')
}

/** One new control group in each hierarchy that systemd would use. */
async function makeGroups(name: string): Promise<string[]> {
  const hierarchies = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified']
  const groups = hierarchies
    .filter(folder => existsSync(path.join(folder, 'cgroup.procs')))
    .map(folder => path.join(folder, name))
  for (const group of groups) await mkdir(group)
  return groups
}

/** Removes the group and those below it, as far as they are empty. */
async function removeGroup(group: string): Promise<void> {
  if (!existsSync(group)) return
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(path.join(group, entry.name))
  }
  await rmdir(group).catch(() => {})
}
