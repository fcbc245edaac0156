import type { ComponentLogger, Logger } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'

const nothing = (): void => {}
const quiet: Logger = Object.assign(nothing, {
  enabled: false,
  error: nothing,
  trace: nothing,
  newScope: () => quiet
})

/**
 * libp2p's own log names peers and addresses, and making a logger for every stream costs more than the
 * stream: it is off unless the environment variable DEBUG asks for it (`DEBUG=libp2p:*`).
 */
export function libp2pLogger(debug: string | undefined): ComponentLogger {
  return debug === undefined || debug === '' ? { forComponent: () => quiet } : defaultLogger()
}
