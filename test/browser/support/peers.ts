import type { Page } from 'playwright-core'
import type { Browsers } from './browsers.ts'
import type { Digest, PagePeer, PathInfo, StartOptions } from './page.ts'

declare const peer: PagePeer

/** A js-libp2p client in a page of its own. */
export class BrowserPeer {
  readonly page: Page
  readonly id: string

  private constructor(page: Page, id: string) {
    this.page = page
    this.id = id
  }

  static async open({ browser, pages }: Browsers, options: StartOptions = {}): Promise<BrowserPeer> {
    const page = await pages.open(browser)
    await page.waitForFunction(() => 'peer' in globalThis)
    return new BrowserPeer(page, await page.evaluate(given => peer.start(given), options))
  }

  /** Connects, to a peer or a relay. @returns the peer id at the other end */
  connect(address: string): Promise<string> {
    return this.page.evaluate(to => peer.connect(to), address)
  }

  /** Its address over a relay, as soon as it has a reservation. */
  address(kind: 'relayed' | 'webrtc', seconds = 20): Promise<string> {
    return this.page.evaluate(([of, within]) => peer.address(of, within), [kind, seconds] as const)
  }

  /** The same, and whenever the connection is lost. */
  async keepReservation(relay: string): Promise<string> {
    await this.page.evaluate(to => void peer.keep(to), relay)
    return this.address('webrtc')
  }

  hasReservation(): Promise<boolean> {
    return this.page.evaluate(() => peer.hasReservation())
  }

  /** Connects to a relay and waits for the reservation. @returns its address for WebRTC */
  async reserve(relay: string): Promise<string> {
    await this.connect(relay)
    return this.address('webrtc')
  }

  paths(to: string): Promise<PathInfo[]> {
    return this.page.evaluate(id => peer.paths(id), to)
  }

  say(to: string, words: string): Promise<string> {
    return this.page.evaluate(([id, what]) => peer.say(id, what), [to, words] as const)
  }

  send(to: string, bytes: number): Promise<{ sent: Digest; received: Digest }> {
    return this.page.evaluate(([id, count]) => peer.send(id, count), [to, bytes] as const)
  }

  hangUp(from: string): Promise<void> {
    return this.page.evaluate(id => peer.hangUp(id), from)
  }

  /** Closes its connection to a relay, for good. */
  leave(relay: string): Promise<void> {
    return this.page.evaluate(id => peer.leave(id), relay)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close()
  }
}
