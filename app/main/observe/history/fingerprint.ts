import { randomBytes } from 'node:crypto'

/**
 * 48 evenly spread bits that stand for a text, different in every run: fast, because every connected peer is counted
 * every minute, and good enough for counting, where a forged collision gains nobody anything.
 */
export function createFingerprint(): (text: string) => number {
  const salt = randomBytes(8)
  const [saltA, saltB] = [salt.readInt32LE(0), salt.readInt32LE(4)]
  return text => {
    let [a, b] = [saltA, saltB]
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      a = turned(Math.imul(a ^ unit, 0xcc9e2d51), 15)
      b = turned(Math.imul(b ^ unit, 0x1b873593), 13)
    }
    return mixed(a ^ turned(b, 7)) * 2 ** 16 + (mixed(b) >>> 16)
  }
}

const turned = (bits: number, by: number): number => (bits << by) | (bits >>> (32 - by))

/** Each bit of the answer depends on all bits given (the end of MurmurHash3). */
function mixed(bits: number): number {
  let hash = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
