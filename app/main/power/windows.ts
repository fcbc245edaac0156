import { networkInterfaces } from 'node:os'
import type { PowerState } from '../../shared/api.ts'
import type { PowerReader } from './power-reader.ts'
import type { PowerFact } from './power-source.ts'
import { outputOf, type Run } from './run-program.ts'

/** A start of PowerShell costs about a second of the processor. */
const EVERY_MS = 300_000
/** Another connection may cost another price: that shows in this machine's addresses, which cost nothing to read. */
const ADDRESSES_EVERY_MS = 30_000

/**
 * For Windows' own PowerShell (5.1), which reaches .NET and the Windows runtime without more programs. A line for each, so that
 * one that fails hides no other (nor does the exit code, which would be its own), of words and whole numbers, which are the same in each language; and no double quotes,
 * which a command line changes: `battery Offline 85 1`, `network Unrestricted`.
 */
const BATTERY = [
  'Add-Type -AssemblyName System.Windows.Forms',
  '$power = [System.Windows.Forms.SystemInformation]::PowerStatus',
  '$level = [int](100 * $power.BatteryLifePercent)',
  "'battery ' + $power.PowerLineStatus + ' ' + $level + ' ' + [int]$power.BatteryChargeStatus"
]
const INFORMATION = 'Windows.Networking.Connectivity.NetworkInformation'
const NETWORK = [
  `$null = [${INFORMATION},Windows.Networking.Connectivity,ContentType=WindowsRuntime]`,
  `$connection = [${INFORMATION}]::GetInternetConnectionProfile()`,
  "if ($connection) { 'network ' + $connection.GetConnectionCost().NetworkCostType }"
]

/** BatteryChargeStatus.NoSystemBattery; all bits: unknown. */
const NO_BATTERY = 128

/** Windows, as its PowerShell tells it. `known`: what another reader tells already. */
export function windowsReader(run: Run, known: readonly PowerFact[] = []): PowerReader {
  const facts = (['onBattery', 'batteryPercent', 'metered'] as const).filter(fact => !known.includes(fact))
  return {
    facts,
    everyMs: EVERY_MS,
    read: async needed => {
      const wantsBattery = needed.has('onBattery') || needed.has('batteryPercent')
      const lines = [...(wantsBattery ? BATTERY : []), ...(needed.has('metered') ? NETWORK : [])]
      const args = ['-NoProfile', '-NonInteractive', '-Command', [...lines, 'exit 0'].join('; ')]
      return parse((await outputOf(run, 'powershell.exe', args)) ?? '')
    },
    listen: onNewAddresses
  }
}

function parse(text: string): PowerState {
  const [, line, level = '', status = ''] = /^battery (\w+) (\d+) (\d+)\s*$/m.exec(text) ?? []
  const cost = /^network (\w+)\s*$/m.exec(text)?.[1]
  const hasBattery = (Number(status) & NO_BATTERY) === 0
  return {
    ...((line === 'Offline' || line === 'Online') && { onBattery: line === 'Offline' }),
    ...(line !== undefined && hasBattery && { batteryPercent: Number(level) }),
    ...(cost !== undefined && cost !== 'Unknown' && { metered: cost !== 'Unrestricted' })
  }
}

function onNewAddresses(changed: () => void): () => void {
  const addresses = (): string => JSON.stringify(networkInterfaces())
  let last = addresses()
  const timer = setInterval(() => {
    const now = addresses()
    if (now === last) return
    last = now
    changed()
  }, ADDRESSES_EVERY_MS)
  return () => clearInterval(timer)
}
