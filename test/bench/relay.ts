/**
 * What relaying costs: our built headless node beside the stock js relay and a node:net proxy (the yardstick), with
 * clients in other processes. docs/bench.md says what is measured and how to read it. Linux only.
 *
 *   node test/bench/relay.ts [--quick] [--only tcp,ws/8,setup] [--rounds 3] [--no-stock] [--json FILE] [--markdown]
 *   node test/bench/relay.ts --relay MULTIADDR --pid PID [--name go]        any other relay on this machine
 *   node test/bench/relay.ts --only tcp/8 --profile DIR                     a CPU profile of our node
 *   node test/bench/relay.ts --only electron [--pace 20] [--no-sodium]       the desktop app beside the headless node
 *   node test/bench/relay.ts --from out/bench/relay.json --markdown         the tables of an earlier run
 */
import { bench } from './relay/main.ts'
import { parseOptions } from './relay/options.ts'

try {
  process.exit((await bench(parseOptions(process.argv.slice(2)))) ? 0 : 1)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(2)
}
