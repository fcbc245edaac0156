import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** For `openssl ca`, which alone takes any dates. */
const SIGNS_ANY_DATES = `[ca]
default_ca = this
[this]
database = DATABASE
new_certs_dir = FOLDER
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`
type Files = [string, string, string, string, string]

/** A certificate authority that nobody knows. Needs openssl. */
export class Authority {
  readonly #dir: string
  /** Its own certificate, PEM. */
  readonly cert: string

  private constructor(dir: string, cert: string) {
    this.#dir = dir
    this.cert = cert
  }

  static async create(dir: string): Promise<Authority> {
    await mkdir(dir, { recursive: true })
    const [cert, key] = [path.join(dir, 'ca.pem'), path.join(dir, 'ca.key')]
    const about = ['-subj', '/CN=a throw-away authority', '-days', '2']
    await execute('openssl', ['req', '-x509', ...KEY, '-keyout', key, ...about, '-out', cert])
    return new Authority(dir, await readFile(cert, 'utf8'))
  }

  /** Signs a certificate for names such as `DNS:relay.example` and `IP:127.0.0.1`: its chain and its key, as files. */
  async issue(name: string, names: readonly string[]): Promise<{ chain: string; key: string }> {
    const file = (suffix: string): string => path.join(this.#dir, `${name}.${suffix}`)
    const [leaf, chain, key] = [file('leaf'), file('pem'), file('key')]
    const signer = ['-CA', path.join(this.#dir, 'ca.pem'), '-CAkey', path.join(this.#dir, 'ca.key')]
    const about = ['-subj', `/CN=${name}`, '-days', '1', '-addext', `subjectAltName=${names.join(',')}`]
    const leafOnly = ['-addext', 'basicConstraints=critical,CA:FALSE']
    const made = ['-keyout', key, '-out', leaf]
    await execute('openssl', ['req', '-x509', ...signer, ...KEY, ...about, ...leafOnly, ...made])
    await writeFile(chain, (await readFile(leaf, 'utf8')) + this.cert)
    return { chain, key }
  }

  /** The same, with a certificate whose time is over. */
  async issueExpired(name: string, names: readonly string[]): Promise<{ chain: string; key: string }> {
    const file = (suffix: string): string => path.join(this.#dir, `${name}.${suffix}`)
    const [config, request, leaf, chain, key] = ['cnf', 'csr', 'leaf', 'pem', 'key'].map(file) as Files
    await writeFile(config, SIGNS_ANY_DATES.replace('DATABASE', file('db')).replace('FOLDER', this.#dir))
    await writeFile(file('db'), '')
    const about = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names.join(',')}`]
    await execute('openssl', ['req', '-new', ...KEY, ...about, '-keyout', key, '-out', request])
    const signer = ['-cert', path.join(this.#dir, 'ca.pem'), '-keyfile', path.join(this.#dir, 'ca.key')]
    const dates = ['-startdate', '20250101000000Z', '-enddate', '20250201000000Z']
    const asks = ['ca', '-batch', '-notext', '-config', config]
    await execute('openssl', [...asks, ...signer, ...dates, '-in', request, '-out', leaf])
    await writeFile(chain, (await readFile(leaf, 'utf8')) + this.cert)
    return { chain, key }
  }

  /** Has this process trust it, as well as those it trusts already, until disposed. */
  trust(): Disposable {
    const before = tls.getCACertificates('default')
    tls.setDefaultCACertificates([...before, this.cert])
    return { [Symbol.dispose]: () => tls.setDefaultCACertificates(before) }
  }
}
