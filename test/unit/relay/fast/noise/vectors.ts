/** One exchange: keys, prologues and payloads, and what they make of each message; all in hexadecimal. */
export interface NoiseVector {
  init_prologue: string
  init_static: string
  init_ephemeral: string
  resp_prologue: string
  resp_static: string
  resp_ephemeral: string
  handshake_hash: string
  /** The three of the handshake, then the responder's and the initiator's by turns. */
  messages: { payload: string; ciphertext: string }[]
}

/**
 * Noise_XX_25519_ChaChaPoly_SHA256, in the form of the wiki's test vectors (noiseprotocol/noise_wiki, Test-vectors).
 * The secrets are ascending bytes, and the messages what @libp2p/noise 17.0.3 makes of them in plain JavaScript.
 */
export const vectors: NoiseVector[] = [
  {
    init_prologue: '77617973746174696f6e',
    init_static: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    init_ephemeral: '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
    resp_prologue: '77617973746174696f6e',
    resp_static: '404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f',
    resp_ephemeral: '606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f',
    handshake_hash: 'c9bf1e7b21592110a2ad4b42dc5cbbf2c4debbcca94214fab842922051b99b6a',
    messages: [
      {
        payload: '6669727374',
        ciphertext: '358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662546669727374'
      },
      {
        payload: '746865207365636f6e64',
        ciphertext:
          '675dd574ed7789310b3d2e7681f3790b466c773b1521fecf36577958371ea52f7e1866de56d6c9b805d589b5e65bd14858f21fba6e576ce64993fbf55eb004574a4489e151ef92fa8512d75eb3c94beb045bd01b1bd3d52bfc9fd412fd2a0a8682048d5a465aa2e18efc'
      },
      {
        payload: '',
        ciphertext:
          '1dc00df062a51249321a8f8349c312567dc00ed837b5fc3fa4c72162d39a49733e2c397e0cae47359810a63fef6a3ad172658c8e4e23d488d3cbe01678e5f8fa'
      },
      {
        payload: '616e64206261636b',
        ciphertext: '5affb672c7166d586a2c9e86bf4b678c5e006688cfde3fd6'
      },
      {
        payload: '666f727468',
        ciphertext: 'f8df8e5672d36c0d900e28a0cc886122e4e4a7b740'
      },
      {
        payload: '',
        ciphertext: '6e9b78328ac33207608751fff8f24034'
      }
    ]
  }
]
