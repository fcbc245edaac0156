import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultsOf } from '../../app/shared/settings.ts'
import { temporaryFolder } from '../support/command.ts'
import { findProgram, missing } from '../support/needs.ts'
import { pack, ROOT } from '../support/package.ts'
import { canBoot, SystemdMachine } from '../support/systemd-machine.ts'
import { until } from '../support/until.ts'

const execute = promisify(execFile)
const UNIT = path.join(ROOT, 'resources/systemd/waystation.service')
const unit = await readFile(UNIT, 'utf8')

describe.skipIf(missing('systemd-analyze (Debian: systemd)', findProgram('systemd-analyze') !== undefined))(
  'the unit',
  () => {
    it('is understood by systemd', async () => {
      await using folder = await temporaryFolder()
      const file = path.join(folder.dir, 'waystation.service')
      // Nothing is installed here, and systemd looks for the program.
      await writeFile(file, unit.replace('ExecStart=waystation', `ExecStart=${process.execPath}`))
      const { stdout, stderr } = await execute('systemd-analyze', ['verify', '--man=no', file])
      expect(stdout + stderr).toBe('')
    })

    it('leaves little to whoever takes the node over', async () => {
      const args = ['security', '--offline=yes', '--no-pager', '--threshold=20', UNIT]
      // Fails above that threshold, which is 2.0 of 10.
      const { stdout } = await execute('systemd-analyze', args)
      expect(stdout).toMatch(/Overall exposure level for waystation.service: [01]\.\d/)
    })
  }
)

describe('the unit’s figures', () => {
  it('give circuits the time that the node gives them', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])
    expect(seconds).toBeGreaterThan(defaultsOf('server')['shutdown.timeoutSeconds'])
  })
})

const boots = canBoot()
describe.skipIf(missing('root and systemd-nspawn (Debian: systemd-container)', boots))(
  'the service on a system with systemd',
  () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>
    let machine: SystemdMachine
    const property = (name: string): Promise<string> => machine.property('waystation', name)
    const status = async (): Promise<{ peerId: string; pid: number }> =>
      JSON.parse(await machine.sh('waystation status --json --data-dir /var/lib/waystation')) as {
        peerId: string
        pid: number
      }
    const answering = (): Promise<void> =>
      until(
        'the node answers',
        () =>
          status().then(
            () => true,
            () => false
          ),
        60
      )

    beforeAll(async () => {
      folder = await temporaryFolder()
      machine = await SystemdMachine.boot((await pack(folder.dir)).file)
      // As docs/server.md has it.
      await machine.sh(
        'cp "$(dirname "$(realpath /usr/local/bin/waystation)")/../../resources/systemd/waystation.service" /etc/systemd/system/' +
          ' && systemctl daemon-reload && systemctl enable --quiet --now waystation'
      )
      await answering()
    }, 300_000)
    afterAll(async () => {
      await (machine as SystemdMachine | undefined)?.[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    })

    it('runs as a user of its own without any capability, behind a filter of system calls', async () => {
      const lines = await machine.sh(`cat /proc/${await property('MainPID')}/status`)
      const fields = Object.fromEntries(lines.split('\n').map(line => line.split(/:\s*/) as [string, string]))
      expect(fields).toMatchObject({
        NoNewPrivs: '1',
        Seccomp: '2',
        CapBnd: '0'.repeat(16),
        CapEff: '0'.repeat(16)
      })
      expect(Number(fields['Uid']?.split('\t')[0])).toBeGreaterThan(1000)
    })

    it('keeps what it knows from everyone but itself and root', async () => {
      const uid = await machine.sh(`stat -c %u /proc/${await property('MainPID')}`)
      const files = await machine.sh(
        'stat -c "%a %u %n" /var/lib/waystation/. /var/lib/waystation/identity.key'
      )
      expect(files.split('\n')).toEqual([
        `700 ${uid} /var/lib/waystation/.`,
        `600 ${uid} /var/lib/waystation/identity.key`
      ])
      expect(await machine.sh('stat -c %a /var/lib/private')).toBe('700')
    })

    it('answers root’s commands, and names the peer that its key is', async () => {
      const shown = await machine.sh('waystation identity show --json --data-dir /var/lib/waystation')
      expect(JSON.parse(shown)).toMatchObject({ peerId: (await status()).peerId })
    })

    it('logs JSON to the journal under its own name', async () => {
      const lines = await machine.sh('journalctl --no-pager -o cat -t waystation')
      expect(lines.split('\n').map(line => (JSON.parse(line) as { msg: string }).msg)).toContain('listening')
    })

    it('takes over a changed settings file when it is reloaded, and goes on', async () => {
      const pid = await property('MainPID')
      await machine.sh(
        'echo \'{"version": 1, "relay": {"reservations": {"total": 77}}}\' > /var/lib/waystation/settings.json'
      )
      await machine.sh('systemctl reload waystation')
      const limit = async (): Promise<boolean> =>
        JSON.stringify(await status()).includes('"reservations":{"held":0,"limit":77}')
      await until('the new limit applies', limit, 30)
      expect(await property('MainPID')).toBe(pid)
    })

    it('saves what it is told to, also over a file that root has written', async () => {
      await machine.sh('waystation set relay.reservations.total=78 --data-dir /var/lib/waystation')
      expect(await machine.sh('cat /var/lib/waystation/settings.json')).toContain('78')
    })

    it('comes again after a crash, with the same key', async () => {
      const { peerId, pid } = await status()
      await machine.sh(`kill -KILL ${await property('MainPID')}`)
      await until(
        'another process answers',
        () =>
          status().then(
            now => now.pid !== pid,
            () => false
          ),
        60
      )
      expect((await status()).peerId).toBe(peerId)
      expect(Number(await property('NRestarts'))).toBeGreaterThan(0)
    })

    it('takes a key that root has put back', async () => {
      await machine.sh('echo correct horse battery > /root/passphrase')
      const identity = (what: string): Promise<string> =>
        machine.sh(
          `waystation identity ${what} --passphrase-file /root/passphrase --data-dir /var/lib/waystation`
        )
      const { peerId } = await status()
      await identity('export /root/waystation.age')
      await machine.sh('systemctl stop waystation')
      await identity('import /root/waystation.age --replace')
      await machine.sh('systemctl start waystation')
      await answering()
      expect((await status()).peerId).toBe(peerId)
    })

    it('opens ports below 1024 with the lines that the unit names', async () => {
      const [, lines = ''] = /# Ports below 1024.*\n((?:# {3}.*\n)+)/.exec(unit) ?? []
      await machine.writeFile(
        '/etc/systemd/system/waystation.service.d/ports.conf',
        lines.replaceAll('#   ', '')
      )
      await machine.writeFile('/etc/default/waystation', 'WAYSTATION_WS_PORT=443\n')
      await machine.sh('systemctl daemon-reload && systemctl restart waystation')
      await answering()
      expect(JSON.stringify(await status())).toContain('/tcp/443/ws/')
    })

    it('stops in order', async () => {
      await machine.sh('systemctl stop waystation')
      expect(await property('Result')).toBe('success')
      expect(await property('ExecMainStatus')).toBe('0')
    })

    it('is not started again and again with settings that are not understood', async () => {
      await machine.writeFile('/etc/default/waystation', 'WAYSTATION_WS_PORT=many\n')
      await machine.sh('systemctl start waystation')
      await until('the service has failed', async () => (await property('ActiveState')) === 'failed', 30)
      expect(await property('ExecMainStatus')).toBe('2')
      expect(await property('NRestarts')).toBe('0')
    })
  }
)
