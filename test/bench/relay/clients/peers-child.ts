import { Peers } from './peers.ts'
import { serve } from './rpc.ts'

/** A process of sources or of sinks. */
serve(new Peers())
process.send?.('ready')
