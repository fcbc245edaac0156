#!/usr/bin/env node
import { existsSync } from 'node:fs'

/**
 * The `waystation` command: a clone's runs from source, an installed package's is built. Plain JavaScript that any
 * Node understands, because whoever has one that is too old must be told so before anything else is loaded.
 */

const source = new URL('cli.ts', import.meta.url)
const built = new URL('../../out/main/cli.js', import.meta.url)
const isClone = existsSync(source)

// What the dependencies ask for; package.json's "engines" says the same.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const isTooOld = major < 22 || (major === 22 && minor < 12)

if (isTooOld || (isClone && !process.features.typescript)) {
  const what = isClone
    ? 'This clone runs from source, which this Node cannot: run `npm ci`, which brings the right one, and then `npx waystation`'
    : 'Waystation needs Node 22.12 or newer: install one from https://nodejs.org and try again'
  process.stderr.write(`waystation: ${what} (this is Node ${process.versions.node}).\n`)
  process.exitCode = 1
} else {
  await import((isClone ? source : built).href)
}
