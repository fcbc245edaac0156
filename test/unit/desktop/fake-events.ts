import { EventLog } from '../../../app/main/api/event-log.ts'
import type { ApiEvent, ApiEvents, EventName } from '../../../app/shared/api.ts'

interface Events {
  listen: (listener: (event: ApiEvent) => void, names: readonly EventName[]) => () => void
  emit: <Name extends EventName>(name: Name, value?: Partial<ApiEvents[Name]>) => void
  listeners: () => number
}

/** The node's real event log, with no node behind it. */
export function createBus(): Events {
  const log = new EventLog({ now: () => Date.now(), run: 'test' })
  return {
    listen: (listener, names) => log.listen(listener, names),
    emit: (name, value) => log.emit(name, (value ?? {}) as never),
    listeners: () => log.listeners
  }
}
