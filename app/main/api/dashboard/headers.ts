import { PAGE_STYLE } from './pages.ts'

/**
 * What every answer of the control API says to a browser. The pages have no inline code and load from this origin
 * alone; no other site may frame them, read them or keep a handle on their window.
 */
export const SECURITY_HEADERS = {
  'content-security-policy': policy("'self'"),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()',
  'cache-control': 'no-store'
} as const

/** For the pages that the node writes itself. */
export const PAGE_POLICY = policy(PAGE_STYLE)

function policy(style: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${style}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join('; ')
}
