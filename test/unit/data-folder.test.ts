import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderProblem, openDataFolder, readLock } from '../../app/main/data-folder.ts'
import { clearingName } from '../../app/main/lock-file.ts'
import { markOfThisProcess, parseStat } from '../../app/main/process-start.ts'
import { NodeScript, moduleUrl } from '../support/node-script.ts'
import { asOrdinaryUser } from '../support/ordinary-user.ts'

const posix = process.platform !== 'win32'
const PROCESSES = 30_000
let root: string
let dir: string
let lockFile: string
const scripts: NodeScript[] = []

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'waystation-folder-'))
  dir = path.join(root, 'data')
  lockFile = path.join(dir, 'node.lock')
})
afterEach(async () => {
  await Promise.all(scripts.splice(0).map(script => script.kill()))
  await rm(root, { recursive: true, force: true })
})

describe('opening the data folder', () => {
  it('creates it with its parents and leaves it empty', async () => {
    const folder = await openDataFolder(path.join(dir, 'a', 'b'))
    expect(folder.dir).toBe(path.join(dir, 'a', 'b'))
    expect(folder.identityFile).toBe(path.join(folder.dir, 'identity.key'))
    expect(await readdir(folder.dir)).toEqual([])
  })

  it.runIf(posix)('closes a new one to other users, and leaves the rights of an old one alone', async () => {
    await openDataFolder(dir)
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    await chmod(dir, 0o755)
    await openDataFolder(dir)
    expect((await stat(dir)).mode & 0o777).toBe(0o755)
  })

  it('names --data-dir when there is a file of that name', async () => {
    await writeFile(dir, '')
    await expectUnusable(openDataFolder(dir), dir)
  })

  it('names --data-dir when a parent is a file', async () => {
    await writeFile(dir, '')
    await expectUnusable(openDataFolder(path.join(dir, 'below')), path.join(dir, 'below'))
  })

  it.runIf(posix)('names --data-dir when it is a link to nowhere', async () => {
    await symlink(path.join(root, 'missing', 'disk'), dir)
    await expectUnusable(openDataFolder(dir), dir)
  })

  it.runIf(posix)('names --data-dir when this user may not write there', async () => {
    await mkdir(dir)
    await chmod(root, 0o755)
    await chmod(dir, 0o555)
    await expectUnusable(
      asOrdinaryUser(() => openDataFolder(dir)),
      dir
    )
  })

  it.each([
    ['ENOSPC', 'disk-full', 'full'],
    ['EDQUOT', 'disk-full', 'full'],
    ['EROFS', 'data-folder-unusable', 'read-only'],
    ['EACCES', 'data-folder-unusable', 'may not'],
    ['EIO', 'data-folder-unusable', 'the system said EIO']
  ])('turns %s into %s', (systemCode, code, words) => {
    const cause = Object.assign(new Error(`the system said ${systemCode}`), { code: systemCode })
    const problem = folderProblem(dir, cause)
    expect(problem).toMatchObject({ code, details: { dir }, cause })
    expect(problem.message).toContain(words)
    expect(problem.message).toContain('--data-dir')
  })
})

describe('the lock', () => {
  it('refuses a second node with the pid of the first', { timeout: PROCESSES }, async () => {
    const first = await startHolder()
    const second = await openDataFolder(dir)
    const error = await second.lock().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'already-running', details: { pid: first.child.pid } })
    expect((error as Error).message).toContain(`pid ${first.child.pid}`)
    expect(await readLock(dir)).toMatchObject({ pid: first.child.pid })
  })

  it('refuses a second node in the same process', async () => {
    const first = await openDataFolder(dir)
    await first.lock()
    const second = await openDataFolder(dir)
    await expect(second.lock()).rejects.toMatchObject({
      code: 'already-running',
      details: { pid: process.pid }
    })
    await second.unlock()
    expect(await readLock(dir)).toMatchObject({ pid: process.pid })
  })

  it('is free again after unlock, which may be called twice', async () => {
    const first = await openDataFolder(dir)
    await first.lock()
    await first.unlock()
    expect(await readdir(dir)).toEqual([])
    const second = await openDataFolder(dir)
    await second.lock()
    await first.unlock()
    expect(await readLock(dir)).toMatchObject({ pid: process.pid })
  })

  it('is not removed by a holder that lost it', async () => {
    const folder = await openDataFolder(dir)
    await folder.lock()
    await writeFile(lockFile, 'of somebody else')
    await folder.unlock()
    expect(await readFile(lockFile, 'utf8')).toBe('of somebody else')
  })

  it('goes to one of several processes that start at once', { timeout: PROCESSES }, async () => {
    await expectOneWinner(3)
  })

  it('is unknown where there is no folder', async () => {
    expect(await readLock(dir)).toBeUndefined()
  })
})

describe('a stale lock', () => {
  beforeEach(() => mkdir(dir))

  it('of a node killed with -9 is not in the way', { timeout: PROCESSES }, async () => {
    const first = await startHolder()
    await first.kill()
    expect(await readLock(dir)).toBeUndefined()
    await expectTaken()
  })

  it.runIf(posix)(
    'of a killed node whose parent takes no notice is not in the way',
    { timeout: PROCESSES },
    async () => {
      const holder = `import { openDataFolder } from ${moduleUrl('app/main/data-folder.ts')}
        await (await openDataFolder(${JSON.stringify(dir)})).lock()
        console.log(process.pid); setInterval(() => {}, 1000)`
      const command = '"$0" --no-warnings --input-type=module -e "$1" & exec sleep 60'
      const parent = spawn('sh', ['-c', command, process.execPath, holder])
      try {
        const [line] = (await once(parent.stdout, 'data')) as [Buffer]
        process.kill(Number(line.toString()), 'SIGKILL')
        await expect.poll(() => readLock(dir)).toBeUndefined()
        await expectTaken()
      } finally {
        parent.kill('SIGKILL')
      }
    }
  )

  it('whose pid another process has now is not in the way', { timeout: PROCESSES }, async () => {
    const other = start(`console.log('here'); await go`)
    await other.line()
    await writeLock({ pid: other.child.pid ?? 0 })
    expect(await readLock(dir)).toBeUndefined()
    await expectTaken()
  })

  it('with this very pid, from before a container was restarted, is not in the way', async () => {
    await writeLock({ pid: process.pid })
    expect(await readLock(dir)).toBeUndefined()
    await expectTaken()
  })

  it.each([
    ['empty', ''],
    ['cut off', '{"pid":12'],
    ['filled with zeros', '\0\0\0\0'],
    ['without a pid', '{"startedAt":"","processStart":""}'],
    ['with a pid that stands for every process', '{"pid":-1,"startedAt":"","processStart":""}']
  ])('that is %s is not in the way', async (_, text) => {
    await writeFile(lockFile, text)
    expect(await readLock(dir)).toBeUndefined()
    await expectTaken()
  })

  it('goes to one of several processes that start at once', { timeout: PROCESSES }, async () => {
    await writeLock({ pid: process.pid })
    await expectOneWinner(4)
  })

  it('goes to one of many attempts in one process, time after time', { timeout: PROCESSES }, async () => {
    for (let round = 0; round < 20; round++) {
      await writeLock({ pid: process.pid, processStart: `round ${round}` })
      const folders = await Promise.all(Array.from({ length: 8 }, () => openDataFolder(dir)))
      const results = await Promise.allSettled(folders.map(folder => folder.lock()))
      expect(results.filter(result => result.status === 'fulfilled')).toHaveLength(1)
      await Promise.all(folders.map(folder => folder.unlock()))
      expect(await readdir(dir)).toEqual([])
    }
  })

  it('is cleared although another starter died while clearing it', async () => {
    await writeLock({ pid: process.pid })
    const clearing = clearingName(lockFile, await readFile(lockFile, 'utf8'))
    await writeFile(clearing, await lockText({ pid: process.pid, processStart: 'died' }))
    await expectTaken()
  })
})

describe('/proc/PID/stat', () => {
  const rest = 'S 1 99 99 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 100 200'

  it('is read although a command is named with spaces and brackets', () => {
    expect(parseStat(`99 (a) R 1 (b c) ${rest}`)).toEqual({ ended: false, ticks: '987654' })
  })

  it('tells a killed process that its parent has not noticed', () => {
    expect(parseStat(`99 (node) ${rest.replace('S', 'Z')}`).ended).toBe(true)
  })
})

async function expectUnusable(attempt: Promise<unknown>, named: string): Promise<void> {
  const error = await attempt.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'data-folder-unusable', details: { dir: named } })
  expect((error as Error).message).toContain('--data-dir')
}

function start(source: string): NodeScript {
  const script = new NodeScript(source)
  scripts.push(script)
  return script
}

/** A process that waits for `tell()`, tries to take the lock, says how that went, and stays. */
function starter(): NodeScript {
  return start(`import { openDataFolder } from ${moduleUrl('app/main/data-folder.ts')}
    const folder = await openDataFolder(${JSON.stringify(dir)})
    console.log('ready'); await go
    console.log(await folder.lock().then(() => 'locked', error => error.code))`)
}

async function startHolder(): Promise<NodeScript> {
  const script = starter()
  await script.line()
  script.tell()
  expect(await script.line()).toBe('locked')
  return script
}

async function expectOneWinner(count: number): Promise<void> {
  const starters = Array.from({ length: count }, starter)
  await Promise.all(starters.map(script => script.line()))
  starters.forEach(script => script.tell())
  const outcomes = await Promise.all(starters.map(script => script.line()))
  expect(outcomes.sort()).toEqual([...Array<string>(count - 1).fill('already-running'), 'locked'])
}

async function expectTaken(): Promise<void> {
  const folder = await openDataFolder(dir)
  await folder.lock()
  expect(await readLock(dir)).toMatchObject({ pid: process.pid })
  expect((await readdir(dir)).filter(name => name === 'node.lock')).toHaveLength(1)
  await folder.unlock()
}

/** What a process of long ago would have left. */
async function lockText(changes: { pid: number; processStart?: string }): Promise<string> {
  const mark = await markOfThisProcess()
  return JSON.stringify({
    ...mark,
    startedAt: '2001-01-01T00:00:00.000Z',
    processStart: 'long ago',
    ...changes
  })
}

async function writeLock(changes: { pid: number; processStart?: string }): Promise<void> {
  await writeFile(lockFile, await lockText(changes))
}
