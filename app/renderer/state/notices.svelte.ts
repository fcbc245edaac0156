import { errorText } from '../text/errors.ts'

export type Tone = 'good' | 'warn' | 'bad' | 'plain'

export interface Notice {
  id: number
  tone: Tone
  text: string
}

const SHOWN_MS = 6_000

/** Short sentences about what was just done; those about failures stay until they are closed. */
export class Notices {
  all = $state.raw<Notice[]>([])
  #next = 1

  say(text: string, tone: Tone = 'good'): void {
    const id = this.#next++
    this.all = [...this.all.slice(-3), { id, tone, text }]
    if (tone !== 'bad') setTimeout(() => this.close(id), SHOWN_MS)
  }

  close(id: number): void {
    this.all = this.all.filter(notice => notice.id !== id)
  }

  /** Does something, and says why it failed if it did. */
  async attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
    try {
      await work()
      if (done !== undefined) this.say(done)
      return true
    } catch (error) {
      this.say(errorText(error), 'bad')
      return false
    }
  }
}
