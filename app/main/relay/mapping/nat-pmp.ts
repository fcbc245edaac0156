import { createSocket } from 'node:dgram'
import { once, type EventEmitter } from 'node:events'
import { pmpNat, type Gateway } from '@achingbrain/nat-port-mapper'
import { CAUSES, MappingError } from './causes.ts'
import type { Lease, Mapping, MapRequest, Router } from './router.ts'

/**
 * NAT-PMP (RFC 6886) by @achingbrain/nat-port-mapper. Its gateway sends a request once, waits for ever, and then takes
 * no other; so each try gets a gateway of its own, one at a time, because they all use one local port.
 */

/** RFC 6886, section 3.1: doubled at each try. Four of its nine, because most networks have nobody who answers. */
const TRIES_MS = [250, 500, 1_000, 2_000]
const SERVER_PORT = 5351
const Op = { EXTERNAL_IP: 128, MAP_UDP: 129, MAP_TCP: 130 } as const
/** RFC 6886, section 3.5. */
const Result = {
  UNSUPPORTED_VERSION: 1,
  REFUSED: 2,
  NETWORK_FAILURE: 3,
  OUT_OF_RESOURCES: 4,
  UNSUPPORTED_OPCODE: 5
}
const HEADER_BYTES = 8
const ANSWER_BYTES: Record<number, number> = { [Op.EXTERNAL_IP]: 12, [Op.MAP_UDP]: 16, [Op.MAP_TCP]: 16 }

export class NatPmp implements Router {
  readonly protocol = 'nat-pmp'
  readonly address: string
  readonly localAddress: string
  #last: Promise<unknown> = Promise.resolve()

  private constructor(address: string, localAddress: string) {
    this.address = address
    this.localAddress = localAddress
  }

  /** The router at that address, whether or not it speaks NAT-PMP. @throws MappingError `no-gateway`: no way leads there */
  static async at(address: string): Promise<NatPmp> {
    return new NatPmp(address, await addressFacing(address))
  }

  async externalIp(signal: AbortSignal): Promise<string> {
    const ip = await this.#ask(gateway => gateway.externalIp(), isAnswerTo(Op.EXTERNAL_IP), signal)
    if (ip === '0.0.0.0') throw new MappingError('no-external-address', CAUSES['no-external-address'])
    return ip
  }

  async map({ protocol, internalPort, leaseSeconds }: MapRequest, signal: AbortSignal): Promise<Lease> {
    const externalPort = await this.#lease(protocol, internalPort, leaseSeconds, signal)
    return { externalPort, seconds: leaseSeconds }
  }

  /** The protocol has no question for it. */
  async holds(): Promise<undefined> {
    return undefined
  }

  async unmap({ protocol, internalPort }: Mapping, signal: AbortSignal): Promise<void> {
    await this.#lease(protocol, internalPort, 0, signal)
  }

  async #lease(protocol: 'tcp' | 'udp', port: number, seconds: number, signal: AbortSignal): Promise<number> {
    const expected = isAnswerTo(protocol === 'tcp' ? Op.MAP_TCP : Op.MAP_UDP, port)
    // It writes the ttl, which it documents in milliseconds, into the field for seconds; without a local host it does
    // not ask for the external address as well.
    const options = { protocol, ttl: seconds, autoRefresh: false }
    const { externalPort } = await this.#ask(gateway => gateway.map(port, '', options), expected, signal)
    return externalPort
  }

  #ask<T>(question: (gateway: Gateway) => Promise<T>, expected: Expected, signal: AbortSignal): Promise<T> {
    const answer = this.#last.then(async () => {
      for (const milliseconds of TRIES_MS) {
        signal.throwIfAborted()
        const answered = await this.#try(question, expected, milliseconds, signal)
        if (answered !== undefined) return answered.value
      }
      signal.throwIfAborted()
      throw new MappingError('no-answer', CAUSES['no-answer'])
    })
    this.#last = answer.catch(() => {})
    return answer
  }

  /** Undefined if no answer came in that time. */
  async #try<T>(
    question: (gateway: Gateway) => Promise<T>,
    expected: Expected,
    milliseconds: number,
    signal: AbortSignal
  ): Promise<{ value: T } | undefined> {
    const gateway = pmpNat(this.address, { autoRefresh: false })
    onlyExpected(gateway, this.address, expected)
    const ended = AbortSignal.any([signal, AbortSignal.timeout(milliseconds)])
    try {
      return { value: await Promise.race([question(gateway), broken(gateway, ended)]) }
    } catch (error) {
      throwResult(error)
      return undefined
    } finally {
      // Where the socket had an error it is closed already.
      await gateway.stop().catch(() => {})
    }
  }
}

/** Rejects when its socket fails, which without a listener would end the process, or when the time is up. */
function broken(gateway: Gateway, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    ;(gateway as unknown as EventEmitter).on('error', reject)
    ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true })
  })
}

type Expected = (answer: Buffer) => boolean

/** Only a whole answer to this very question: a late one to another question would name another port. */
export function isAnswerTo(op: number, internalPort?: number): Expected {
  return answer => {
    if (answer.length < HEADER_BYTES || answer.readUInt8(1) !== op) return false
    if (answer.readUInt16BE(2) !== 0) return true
    if (answer.length < (ANSWER_BYTES[op] ?? Infinity)) return false
    return internalPort === undefined || answer.readUInt16BE(8) === internalPort
  }
}

/** It takes answers from anyone, and an answer cut short ends the process: both are kept from it. */
function onlyExpected(gateway: Gateway, from: string, expected: Expected): void {
  type OnMessage = (answer: Buffer, sender: { address: string; port: number }) => void
  const seam = gateway as unknown as { onMessage: OnMessage }
  const take = seam.onMessage.bind(gateway)
  seam.onMessage = (answer, sender) => {
    if (sender.address === from && sender.port === SERVER_PORT && expected(answer)) take(answer, sender)
  }
}

function throwResult(error: unknown): void {
  const { code, message } = error as { code?: number; message: string }
  // That the time is up has a number for its code too.
  if (!(Object.values(Result) as unknown[]).includes(code) || error instanceof DOMException) return
  if (code === Result.NETWORK_FAILURE) {
    throw new MappingError('no-external-address', CAUSES['no-external-address'], code)
  }
  const kind = code === Result.OUT_OF_RESOURCES ? 'refused' : 'nat-pmp-refused'
  throw new MappingError(kind, `NAT-PMP result ${code}, ${message}`, code, error)
}

/** The address of this machine that packets to that host carry. Sends none. @throws MappingError `no-gateway` */
export async function addressFacing(host: string): Promise<string> {
  const socket = createSocket('udp4')
  try {
    socket.connect(SERVER_PORT, host)
    await once(socket, 'connect')
    return socket.address().address
  } catch (error) {
    throw new MappingError('no-gateway', CAUSES['no-gateway'], undefined, error)
  } finally {
    socket.close()
  }
}
