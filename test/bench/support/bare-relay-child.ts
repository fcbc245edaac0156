import { Circuits } from '../../../app/main/relay/circuit/circuits.ts'
import { bareJoin } from './bare.ts'

/** The relay of relay-child.ts, whose circuits are neither counted nor shaped: what the bench compares with. */
Circuits.prototype.run = (_slot, source, target): never => {
  bareJoin(source, target)
  return undefined as never
}
await import('../../support/relay-child.ts')
