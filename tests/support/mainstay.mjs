// Runs the real binary on a copy of a project, in a folder of its own, and ends it.
import { execFile, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = path.dirname(new URL(import.meta.url).pathname)
export const repository = path.resolve(here, '../..')
export const binary = process.env.MAINSTAY_BIN ?? path.join(repository, 'target/debug/mainstay')

// A port nobody listens on.
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

// A temporary folder that PostgreSQL's own user can walk through, when the tester is root. Goes with the tests.
export async function folder() {
  const made = await mkdtemp(path.join(os.tmpdir(), 'mainstay-test-'))
  await chmod(made, 0o755)
  process.once('exit', () => rmSync(made, { recursive: true, force: true, maxRetries: 3 }))
  return made
}

// Copies a project (a folder below the repository) and runs `mainstay up` on it until ready.
// options: seed, env, port, args
export async function up(project, options = {}) {
  const home = await folder()
  const dir = path.join(home, 'project')
  await cp(path.join(repository, project), dir, { recursive: true, filter: (from) => !from.includes('.mainstay') })
  const instance = new Instance(home, dir, options.port ?? (await freePort()), options)
  await instance.start()
  return instance
}

class Instance {
  constructor(home, dir, port, options) {
    Object.assign(this, { home, dir, port, options, log: '' })
  }

  get url() {
    return `http://localhost:${this.port}`
  }

  environment() {
    // nothing of the tester's own environment may configure the process
    const { PATH, HOME, LANG } = process.env
    return {
      PATH, HOME, LANG,
      MAINSTAY_DATABASE_PORT: String(20000 + (this.port % 20000)),
      MAINSTAY_ADMIN_PORT: String(this.port > 60000 ? this.port - 2000 : this.port + 2000),
      ...this.options.env,
    }
  }

  async start() {
    const args = ['up', this.dir, '--port', String(this.port), ...(this.options.seed ? ['--seed'] : []), ...(this.options.args ?? [])]
    this.log = ''
    this.process = spawn(binary, args, { env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] })
    const child = this.process
    // a test that broke off leaves nothing running
    process.once('exit', () => child.exitCode === null && child.kill())
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })))
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (data) => (this.log += data))
    const deadline = Date.now() + 60_000
    while (!this.log.includes('is ready at')) {
      if (this.process.exitCode !== null) throw new Error(`mainstay ended early (${this.process.exitCode}):\n${this.log}`)
      if (Date.now() > deadline) throw new Error(`mainstay is not ready:\n${this.log}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.keys = JSON.parse((await this.command(['keys', this.dir, '--json'])).stdout)
  }

  command(args) {
    return run(binary, args, { env: this.environment() })
  }

  // Process id of its PostgreSQL.
  async postmaster() {
    return Number((await readFile(path.join(this.dir, '.mainstay/postgres/data/postmaster.pid'), 'utf8')).split('\n')[0])
  }

  // Ends the process and keeps the data.
  async stop(signal = 'SIGTERM') {
    this.process.kill(signal)
    return this.ended
  }

  // Ends the process and removes everything.
  async down() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.stop()
    await rm(this.home, { recursive: true, force: true })
  }
}
