#!/usr/bin/env node
/**
 * Signs what Linux updates are made of, so that the app takes them (app/main/desktop/update-signature.ts).
 *
 *   node build/sign-update.mjs --new-key           makes a pair of keys: the private one for the environment of the
 *                                                  machine that publishes, the public one for update-key.ts
 *   node build/sign-update.mjs VERSION FILE…       writes FILE.sig beside each; the private key is read from
 *                                                  WAYSTATION_UPDATE_KEY (base64 of its PKCS #8 DER form)
 *
 * FILE must have the name it is published under: name and version are part of what is signed.
 */
import { Buffer } from 'node:buffer'
import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'

const VARIABLE = 'WAYSTATION_UPDATE_KEY'

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const base64 = (key, type) => key.export({ type, format: 'der' }).toString('base64')
  console.log(`Secret, for ${VARIABLE}:\n${base64(privateKey, 'pkcs8')}\n`)
  console.log(`For UPDATE_PUBLIC_KEY in app/main/desktop/update-key.ts:\n${base64(publicKey, 'spki')}`)
}

function loadKey() {
  const text = process.env[VARIABLE]
  if (!text) fail(`${VARIABLE} is not set: there is no key to sign with.`)
  try {
    const key = createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below; what was given may be a secret, and is not shown.
  }
  return fail(`${VARIABLE} is not an Ed25519 private key in base64 of PKCS #8 DER.`)
}

async function signFile(key, version, file) {
  const hash = createHash('sha512')
  await pipeline(createReadStream(file), hash)
  const text = `waystation update 1\nversion: ${version}\nname: ${path.basename(file)}\nsha512: ${hash.digest('hex')}\n`
  await writeFile(`${file}.sig`, `${sign(null, Buffer.from(text), key).toString('base64')}\n`)
  console.log(`${file}.sig`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

const [first, ...files] = process.argv.slice(2)
if (first === '--new-key') newKey()
else if (first === undefined || !/^\d+\.\d+\.\d+/.test(first) || files.length === 0) {
  fail('usage: node build/sign-update.mjs --new-key | VERSION FILE…')
} else {
  const key = loadKey()
  for (const file of files) await signFile(key, first, file)
}
