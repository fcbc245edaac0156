import type { App } from '../../app/main/app.ts'

/** Traffic inside the machine does not count, so tests bring their own. */
export function carry(app: App, bytes: number): void {
  const half = { receivedBytes: bytes / 2, receivedDatagrams: 0, sentBytes: bytes / 2, sentDatagrams: 0 }
  app.figures.traffic.add('5.6.7.8', half)
}
