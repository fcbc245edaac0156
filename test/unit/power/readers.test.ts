import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fullScreenReader } from '../../../app/main/power/full-screen.ts'
import { batteryReader, meteredReader } from '../../../app/main/power/linux.ts'
import { macReader } from '../../../app/main/power/macos.ts'
import { readSupplies } from '../../../app/main/power/power-supplies.ts'
import type { PowerFact } from '../../../app/main/power/power-source.ts'
import type { Run } from '../../../app/main/power/run-program.ts'
import { SystemBus } from '../../../app/main/power/system-bus.ts'
import { windowsReader } from '../../../app/main/power/windows.ts'

const ALL = new Set<PowerFact>(['onBattery', 'batteryPercent', 'metered', 'fullScreenProgram'])

/** A folder like /sys/class/power_supply. */
function supplies(devices: Record<string, Record<string, string | number>>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'waystation-power-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const [name, files] of Object.entries(devices)) {
    mkdirSync(path.join(dir, name))
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(dir, name, file), `${text}\n`)
  }
  return dir
}

/** Programs that print this, by their arguments; all others are not installed. */
function programs(answers: Record<string, (args: string) => string | undefined>): {
  run: Run
  ran: string[]
} {
  const ran: string[] = []
  const run: Run = async (program, args) => {
    ran.push(program)
    const answer = answers[program]
    if (answer === undefined) return 'absent'
    const stdout = answer(args.join(' '))
    return stdout === undefined ? 'failed' : { stdout }
  }
  return { run, ran }
}

const AC = { type: 'Mains', online: 1 }
const PULLED = { type: 'Mains', online: 0 }
const MOUSE = { type: 'Battery', scope: 'Device', status: 'Discharging', capacity: 5 }
const battery = (status: string, capacity: number, more = {}) => ({
  type: 'Battery',
  present: 1,
  status,
  capacity,
  ...more
})

describe("the kernel's files", () => {
  it.each([
    [
      'a laptop on the mains',
      { AC, BAT0: battery('Charging', 81) },
      { onBattery: false, batteryPercent: 81 }
    ],
    ['a full one', { AC, BAT0: battery('Full', 100) }, { onBattery: false, batteryPercent: 100 }],
    ['a weak charger', { AC, BAT0: battery('Discharging', 60) }, { onBattery: false, batteryPercent: 60 }],
    [
      'a laptop on its battery',
      { AC: PULLED, BAT0: battery('Discharging', 37) },
      { onBattery: true, batteryPercent: 37 }
    ],
    [
      'one that charges by USB alone',
      { AC: PULLED, 'ucsi-1': { type: 'USB', online: 1 }, BAT0: battery('Charging', 50) },
      { onBattery: false, batteryPercent: 50 }
    ],
    [
      'one that feeds a telephone by USB',
      { 'ucsi-1': { type: 'USB', online: 1 }, BAT0: battery('Discharging', 50) },
      { onBattery: true, batteryPercent: 50 }
    ],
    [
      'a battery that does not know, without the cable',
      { AC: PULLED, BAT0: battery('Unknown', 50) },
      { onBattery: true, batteryPercent: 50 }
    ],
    [
      'two batteries of unlike size',
      {
        AC: PULLED,
        BAT0: battery('Unknown', 0, { energy_full: 20_000_000 }),
        BAT1: battery('Discharging', 90, { energy_full: 60_000_000 })
      },
      { onBattery: true, batteryPercent: 68 }
    ],
    ['a battery without a level', { BAT0: { type: 'Battery', status: 'Discharging' } }, { onBattery: true }],
    ['a tower with a mouse', { hidpp_battery_0: MOUSE }, {}],
    ['a battery that was taken out', { AC, BAT0: battery('Unknown', 0, { present: 0 }) }, {}],
    ['a machine with nothing of that kind', {}, {}]
  ])('say it of %s', async (_what, devices, expected) => {
    expect(await readSupplies(supplies(devices))).toEqual(expected)
  })

  it('may not be there', async () => {
    expect(await readSupplies('/nowhere/power_supply')).toBeUndefined()
  })
})

describe('UPower', () => {
  const upower = programs({
    busctl: args =>
      args.includes('OnBattery')
        ? 'b true\n'
        : args.includes('IsPresent')
          ? 'b true\n'
          : args.includes('Percentage')
            ? 'd 63.6\n'
            : undefined
  })
  const none = programs({})
  const busOf = ({ run }: { run: Run }): SystemBus => new SystemBus({ run, isThere: () => true })

  it('is asked where the kernel knows of no battery: a UPS', async () => {
    const reader = batteryReader({ bus: busOf(upower), supplies: async () => ({}) })
    expect(await reader.read(ALL)).toEqual({ onBattery: true, batteryPercent: 64 })
    expect(await reader.read(new Set(['onBattery']))).toEqual({ onBattery: true })
  })

  it('is not asked where the kernel does', async () => {
    const { run, ran } = programs({})
    const reader = batteryReader({ bus: busOf({ run }), supplies: async () => ({ onBattery: false }) })
    expect(await reader.read(ALL)).toEqual({ onBattery: false })
    expect(ran).toEqual([])
  })

  it('is not missed: without a battery there is the mains, and without any files nobody knows', async () => {
    const noBattery = batteryReader({ bus: busOf(none), supplies: async () => ({}) })
    expect(await noBattery.read(ALL)).toEqual({ onBattery: false })
    const nobody = batteryReader({ bus: busOf(none), supplies: async () => undefined })
    expect(await nobody.read(ALL)).toEqual({})
  })
})

describe('NetworkManager', () => {
  const read = async (run: Run, isThere = true): Promise<unknown> =>
    meteredReader(new SystemBus({ run, isThere: () => isThere })).read(ALL)

  it.each([
    [0, {}],
    [1, { metered: true }],
    [2, { metered: false }],
    [3, { metered: true }],
    [4, { metered: false }]
  ])('says %i of the connection, by busctl and by gdbus', async (value, expected) => {
    expect(await read(programs({ busctl: () => `u ${value}\n` }).run)).toEqual(expected)
    const gdbus = programs({
      gdbus: args => (args.includes('NameHasOwner') ? '(true,)\n' : `(<uint32 ${value}>,)\n`)
    })
    expect(await read(gdbus.run)).toEqual(expected)
  })

  it('is not started to be asked', async () => {
    const seen: string[] = []
    await read(programs({ busctl: args => void seen.push(args) }).run)
    expect(seen[0]).toContain('--auto-start=no')
    const stopped = programs({
      gdbus: args => (args.includes('NameHasOwner') ? '(false,)\n' : '(<uint32 1>,)\n')
    })
    expect([await read(stopped.run), stopped.ran]).toEqual([{}, ['busctl', 'gdbus']])
  })

  it('is not asked without a bus, nor by another program where the first could not', async () => {
    const failing = programs({ busctl: () => undefined, gdbus: () => '(true,)\n' })
    expect([await read(failing.run), failing.ran]).toEqual([{}, ['busctl']])
    const unused = programs({ busctl: () => 'u 1\n' })
    expect([await read(unused.run, false), unused.ran]).toEqual([{}, []])
  })
})

describe("X11's window manager", () => {
  const window = (properties: string) => ({
    xprop: (args: string) =>
      args.startsWith('-root') ? '_NET_ACTIVE_WINDOW(WINDOW): window id # 0x3a00007, 0x0\n' : properties
  })
  const FULL = '_NET_WM_STATE(ATOM) = _NET_WM_STATE_FULLSCREEN, _NET_WM_STATE_FOCUSED\n'
  const read = async (answers: Parameters<typeof programs>[0], env = {}, comm?: string): Promise<unknown> =>
    fullScreenReader({ run: programs(answers).run, readComm: async () => comm }, env).read(ALL)

  it('names the program that fills the screen', async () => {
    const text = `${FULL}WM_CLASS(STRING) = "vlc", "vlc"\n_NET_WM_PID(CARDINAL) = 4711\n`
    expect(await read(window(text), {}, 'vlc\n')).toEqual({ fullScreenProgram: 'vlc' })
  })

  it('names a Windows program by its process, and one without a class, too', async () => {
    const wine = `${FULL}WM_CLASS(STRING) = "steam_app_2280", "steam_app_2280"\n_NET_WM_PID(CARDINAL) = 4711\n`
    expect(await read(window(wine), {}, 'Doom.exe\n')).toEqual({ fullScreenProgram: 'Doom.exe' })
    const bare = `${FULL}WM_CLASS:  not found.\n_NET_WM_PID(CARDINAL) = 4711\n`
    expect(await read(window(bare), {}, 'mpv\n')).toEqual({ fullScreenProgram: 'mpv' })
  })

  it.each([
    ['the window in front does not', window('_NET_WM_STATE(ATOM) = _NET_WM_STATE_FOCUSED\n')],
    ['it has no state', window('_NET_WM_STATE:  not found.\nWM_CLASS(STRING) = "a", "A"\n')],
    ['there is none', { xprop: () => '_NET_ACTIVE_WINDOW(WINDOW): window id # 0x0\n' }],
    [
      'it was closed meanwhile',
      { xprop: (args: string) => (args.startsWith('-root') ? 'window id # 0x3a' : undefined) }
    ]
  ])('says that no program does: %s', async (_why, answers) => {
    expect(await read(answers)).toEqual({ fullScreenProgram: '' })
    // Wayland's own windows are not among those of X11.
    expect(await read(answers, { WAYLAND_DISPLAY: 'wayland-0' })).toEqual({})
  })

  it('may tell nothing', async () => {
    expect(await read({})).toEqual({})
    expect(await read({ xprop: () => '_NET_ACTIVE_WINDOW:  not found.\n' })).toEqual({})
  })
})

describe('macOS', () => {
  const read = async (text: string): Promise<unknown> =>
    macReader(programs({ pmset: () => text }).run).read(ALL)
  const line = (level: string): string => ` -InternalBattery-0 (id=4653155)\t${level}; present: true\n`

  it('tells of battery, UPS and a machine without either', async () => {
    expect(
      await read(`Now drawing from 'Battery Power'\n${line('85%; discharging; 4:02 remaining')}`)
    ).toEqual({
      onBattery: true,
      batteryPercent: 85
    })
    expect(await read(`Now drawing from 'AC Power'\n${line('100%; charged; 0:00 remaining')}`)).toEqual({
      onBattery: false,
      batteryPercent: 100
    })
    expect(await read("Now drawing from 'UPS Power'\n")).toEqual({ onBattery: true })
    expect(await read("Now drawing from 'AC Power'\n")).toEqual({ onBattery: false })
    expect(await read('')).toEqual({})
  })
})

describe('Windows', () => {
  const read = async (text: string | undefined): Promise<unknown> =>
    windowsReader(programs({ 'powershell.exe': () => text }).run).read(ALL)

  it.each([
    ['battery Offline 37 0\r\nnetwork Fixed\r\n', { onBattery: true, batteryPercent: 37, metered: true }],
    [
      'battery Online 100 1\r\nnetwork Unrestricted\r\n',
      { onBattery: false, batteryPercent: 100, metered: false }
    ],
    ['battery Online 100 128\r\nnetwork Variable\r\n', { onBattery: false, metered: true }],
    ['battery Online 100 255\r\n', { onBattery: false }],
    ['battery Unknown 100 255\r\nnetwork Unknown\r\n', {}],
    ['network Unrestricted\r\n', { metered: false }],
    ['', {}],
    [undefined, {}]
  ])('tells by its PowerShell: %j', async (text, expected) => {
    expect(await read(text)).toEqual(expected)
  })

  it('is asked for what is needed, and for nothing that Electron tells', async () => {
    const asked: string[] = []
    const { run } = programs({ 'powershell.exe': args => void asked.push(args) })
    const reader = windowsReader(run, ['onBattery'])
    expect(reader.facts).toEqual(['batteryPercent', 'metered'])
    await reader.read(new Set(['metered']))
    expect(asked[0]).toContain('NetworkCostType')
    expect(asked[0]).not.toContain('PowerStatus')
  })
})
