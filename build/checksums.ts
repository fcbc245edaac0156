import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { BuildResult } from 'electron-builder'

/** electron-builder's hook after all installers: SHA256SUMS beside them, for `sha256sum --check`. */
export default async function checksums({
  outDir,
  artifactPaths
}: Pick<BuildResult, 'outDir' | 'artifactPaths'>): Promise<string[]> {
  const files = artifactPaths.filter(file => !file.endsWith('.blockmap')).sort()
  // An unpacked build has none.
  if (files.length === 0) return []
  const lines: string[] = []
  for (const file of files) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(file), hash)
    lines.push(`${hash.digest('hex')}  ${path.basename(file)}\n`)
  }
  const sums = path.join(outDir, 'SHA256SUMS')
  await writeFile(sums, lines.join(''))
  return [sums]
}
