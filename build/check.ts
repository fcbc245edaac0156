import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import manifest from '../package.json' with { type: 'json' }

/** `npm run check`: all of package.json's `check:…` scripts, as many at once as there are processors. */
const names = Object.keys(manifest.scripts).filter(name => name.startsWith('check:'))
const failed: string[] = []

async function run(name: string): Promise<void> {
  const child = spawn('npm', ['run', '--silent', name], { shell: process.platform === 'win32' })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  if (code !== 0) failed.push(name)
  console.log(`-- ${name}: ${code === 0 ? 'ok' : 'FAILED'}`)
  if (code !== 0) process.stdout.write(Buffer.concat(output))
}

async function worker(): Promise<void> {
  for (let name = names.shift(); name !== undefined; name = names.shift()) await run(name)
}

// The longest first, so that nobody waits for it alone at the end.
names.sort((a, b) => Number(b === 'check:lint') - Number(a === 'check:lint'))
await Promise.all(Array.from({ length: Math.min(names.length, availableParallelism()) }, worker))
if (failed.length > 0) {
  console.error(`check failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
