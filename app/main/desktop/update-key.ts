/**
 * The public half of the key that Linux updates are signed with (`node build/sign-update.mjs --new-key` makes a pair):
 * an Ed25519 key, base64 of its SPKI DER form. Empty: this build trusts nobody's updates, so it tells of them and leaves
 * getting them to the person.
 */
export const UPDATE_PUBLIC_KEY: string = ''
