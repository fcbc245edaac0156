/** What waits for the bytes that are being handed over. One list for the process: sockets are read one after another. */
const waiting: (() => void)[] = []
let isReading = false

/** Hands over what was read from a socket, then does what waits for that. */
export function handOver(deliver: () => void): void {
  isReading = true
  try {
    deliver()
  } finally {
    isReading = false
    if (waiting.length > 0) for (const next of waiting.splice(0)) next()
  }
}

/** Does it when what is being read has been handed over; false where nothing is being read, and nothing was done. */
export function atReadEnd(next: () => void): boolean {
  if (isReading) waiting.push(next)
  return isReading
}
