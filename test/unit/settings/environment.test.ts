import { describe, expect, it } from 'vitest'
import { readEnvironment } from '../../../app/main/settings/environment.ts'
import { defaultOf, environmentNameOf, keys } from '../../../app/shared/settings.ts'
import { formatValue } from '../../../app/shared/values.ts'

describe('environment variables', () => {
  const settable = keys.filter(key => formatValue(key, defaultOf(key, 'server')) !== '')
  it.each(settable)('%s has a variable', key => {
    const value = defaultOf(key, 'server')
    const name = environmentNameOf(key)
    const { given, warnings } = readEnvironment({ [name]: formatValue(key, value) })
    expect([...given]).toEqual([[key, { value, name }]])
    expect(warnings).toEqual([])
  })

  it('WAYSTATION_PORT mirrors --port, and the more specific one wins', () => {
    const { given } = readEnvironment({ WAYSTATION_TCP_PORT: '6', WAYSTATION_PORT: '5' })
    expect(given.get('tcp.port')).toEqual({ value: 6, name: 'WAYSTATION_TCP_PORT' })
    expect(given.get('quic.port')).toEqual({ value: 5, name: 'WAYSTATION_PORT' })
  })

  it('an empty variable counts as not set', () => {
    expect(readEnvironment({ WAYSTATION_TCP_PORT: '' }).given.size).toBe(0)
  })

  it('a bad value names the variable', () => {
    expect(() => readEnvironment({ WAYSTATION_LOG_LEVEL: 'loud' })).toThrow(
      'log.level (given by WAYSTATION_LOG_LEVEL) cannot be "loud"'
    )
  })

  it('an unknown variable is warned of, with a suggestion', () => {
    expect(
      readEnvironment({ WAYSTATION_TCP_PROT: '1', WAYSTATION_Z: '1', OTHER_TCP_PROT: '1' }).warnings
    ).toEqual([
      'The environment variable WAYSTATION_TCP_PROT means nothing here. Did you mean WAYSTATION_TCP_PORT?',
      'The environment variable WAYSTATION_Z means nothing here.'
    ])
  })

  it('the passphrase, the data folder and the settings file are known', () => {
    const env = { WAYSTATION_PASSPHRASE: 'p', WAYSTATION_DATA_DIR: '/d', WAYSTATION_CONFIG: '/c' }
    expect(readEnvironment(env)).toEqual({ given: new Map(), warnings: [] })
  })

  it('what Kubernetes says about services called waystation and waystation-http is not for us', () => {
    const env = {
      WAYSTATION_PORT: 'tcp://10.0.0.1:4001',
      WAYSTATION_PORT_4001_TCP: 'tcp://10.0.0.1:4001',
      WAYSTATION_PORT_4001_TCP_ADDR: '10.0.0.1',
      WAYSTATION_SERVICE_HOST: '10.0.0.1',
      WAYSTATION_SERVICE_PORT_QUIC: '4001',
      WAYSTATION_HTTP_PORT: 'tcp://10.0.0.2:4002',
      WAYSTATION_HTTP_SERVICE_HOST: '10.0.0.2'
    }
    expect(readEnvironment(env)).toEqual({ given: new Map(), warnings: [] })
  })
})
