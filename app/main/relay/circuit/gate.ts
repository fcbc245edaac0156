import type { Connection } from '@libp2p/interface'
import { AccessList, ipGroup } from '../../net/ip.ts'
import { RateWindows } from '../../net/rate-windows.ts'
import { ipOf, isRelayed } from '../addresses.ts'
import type { RelayLimits } from '../limits.ts'
import type { Member } from '../networks/members.ts'
import type { Asker, Mode, Refusal } from './admission.ts'
import type { LimitMessage } from './pb/messages.ts'

/** Peer ids, IP addresses and CIDR blocks that may, or may not, use this relay. An empty `allow` lets all in. */
export interface Access {
  allow: readonly string[]
  deny: readonly string[]
}

/** Who asks, as admission sees it. */
export interface Caller {
  peer: string
  ip: string | undefined
  ipGroup: string
  overRelay: boolean
}

/** What the budget says of new work, beside the mode. */
export interface BudgetGate {
  /** More is used than may be, until that is less: nothing new is taken. */
  readonly overloaded: boolean
  /** Whether one of the two has had more than its fair share of the last part of a quota. */
  isOverShare(source: string, target: string): boolean
}

const NO_BUDGET: BudgetGate = { overloaded: false, isOverShare: () => false }

/** The network that a peer is of, and whether that lets it use the relay. */
export type MemberOf = (peer: string, ip: string | undefined) => Member

export interface GateOptions {
  budget?: BudgetGate | undefined
  memberOf?: MemberOf | undefined
}

/** What requests are judged by, apart from the places taken: limits, lists, recent attempts, the node's mode. */
export class Gate {
  mode: Mode = 'open'
  readonly budget: BudgetGate
  #limits: RelayLimits
  #allow: AccessList
  #deny: AccessList
  readonly #peerAttempts: RateWindows
  readonly #ipAttempts: RateWindows
  /** Who has asked before over the same connection: neither end of that ever changes. */
  readonly #callers = new WeakMap<Connection, Caller>()
  readonly #memberOf: MemberOf

  constructor(
    limits: RelayLimits,
    access: Access,
    clock: () => number,
    { budget = NO_BUDGET, memberOf = () => ({ allowed: true }) }: GateOptions = {}
  ) {
    this.budget = budget
    this.#memberOf = memberOf
    this.#limits = limits
    this.#allow = new AccessList(access.allow)
    this.#deny = new AccessList(access.deny)
    const { perPeerPerMinute, perIpPerMinute } = limits.attempts
    this.#peerAttempts = new RateWindows({ clock }, { perMinute: perMinute(perPeerPerMinute) })
    this.#ipAttempts = new RateWindows({ clock }, { perMinute: perMinute(perIpPerMinute) })
  }

  get limits(): RelayLimits {
    return this.#limits
  }

  setLimits(limits: RelayLimits): void {
    this.#limits = limits
    this.#peerAttempts.setPerMinute(perMinute(limits.attempts.perPeerPerMinute))
    this.#ipAttempts.setPerMinute(perMinute(limits.attempts.perIpPerMinute))
  }

  setAccess(access: Access): void {
    this.#allow = new AccessList(access.allow)
    this.#deny = new AccessList(access.deny)
  }

  callerOf(connection: Connection): Caller {
    let caller = this.#callers.get(connection)
    if (caller === undefined) {
      const ip = ipOf(connection)
      const peer = connection.remotePeer.toString()
      caller = { peer, ip, ipGroup: ipGroup(ip ?? ''), overRelay: isRelayed(connection) }
      this.#callers.set(connection, caller)
    }
    return caller
  }

  askerOf(caller: Caller): Asker {
    return {
      overRelay: caller.overRelay,
      access: this.accessOf(caller),
      mode: this.mode,
      overloaded: this.budget.overloaded,
      peerMayTry: this.#peerAttempts.peek(caller.peer),
      ipMayTry: this.#ipAttempts.peek(caller.ipGroup)
    }
  }

  accessOf({ peer, ip }: Caller): Asker['access'] {
    if (this.#deny.matches({ peer, ip })) return 'denied'
    if (this.#allow.size > 0 && !this.#allow.matches({ peer, ip })) return 'not-allowed'
    return this.#memberOf(peer, ip).allowed ? 'ok' : 'not-allowed'
  }

  /** The network that a peer is of, as far as is known. */
  networkOf({ peer, ip }: Caller): string | undefined {
    return this.#memberOf(peer, ip).network
  }

  /** Every request counts as an attempt but those refused for making too many. */
  countAttempt(verdict: 'ok' | Refusal, { peer, ipGroup }: Caller): void {
    if (verdict === 'peer-rate' || verdict === 'ip-rate') return
    this.#peerAttempts.take(peer)
    this.#ipAttempts.take(ipGroup)
  }

  /** What circuits are limited to, as told to clients: absent where nothing is. */
  limitMessage(): LimitMessage | undefined {
    const { durationSeconds, bytesEachWay } = this.#limits.circuits
    if (durationSeconds === Infinity && bytesEachWay === Infinity) return undefined
    return {
      duration: durationSeconds === Infinity ? undefined : durationSeconds,
      data: bytesEachWay === Infinity ? undefined : BigInt(bytesEachWay)
    }
  }
}

/** RateWindows has 0 for unlimited. */
const perMinute = (limit: number): number => (limit === Infinity ? 0 : limit)
