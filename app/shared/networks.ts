import { z } from 'zod'
import {
  isNetworkName,
  NETWORK_PEER,
  NETWORK_PROTOCOL,
  RELAY_NAMESPACE,
  type NetworkSetting
} from './network-link.ts'

/** Each runs a DHT of its own, with its memory and its connections. */
export const MOST_NETWORKS = 16
const MOST_BOOTSTRAP = 64
const MOST_NAMESPACES = 16
const MOST_ALLOWED = 10_000

const NAMESPACE = z.string().regex(/^[\x21-\x7e]{1,200}$/)

/** One entry of the setting `networks`. */
export function networkSchema(allowed: z.ZodType<string>): z.ZodType<NetworkSetting> {
  return z.strictObject({
    name: z
      .string()
      .transform(name => name.trim())
      .refine(isNetworkName),
    dht: z.string().regex(NETWORK_PROTOCOL),
    bootstrap: z.array(z.string().regex(NETWORK_PEER)).max(MOST_BOOTSTRAP).default([]),
    namespaces: z.array(NAMESPACE).max(MOST_NAMESPACES).default([RELAY_NAMESPACE]),
    allow: z.array(allowed).max(MOST_ALLOWED).optional(),
    sharePercent: z.int().min(1).max(100).optional()
  })
}

/** The setting `networks`: each name once. */
export function networksSchema(allowed: z.ZodType<string>): z.ZodType<NetworkSetting[]> {
  return z
    .array(networkSchema(allowed))
    .max(MOST_NETWORKS)
    .refine(networks => new Set(networks.map(({ name }) => name.toLowerCase())).size === networks.length)
}

export const NETWORKS_ALLOWED =
  `up to ${MOST_NETWORKS} networks of different names, as JSON ` +
  '[{"name": "Chat", "dht": "/chat/kad/1.0.0", "bootstrap": ["/dns4/…/p2p/PEER"], "namespaces": ["/libp2p/relay"], "allow": ["PEER", "203.0.113.0/24"], "sharePercent": 50}] ' +
  '(name and dht are needed), @FILE with that text, or a link waystation://join?…'
