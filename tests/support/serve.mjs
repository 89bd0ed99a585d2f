// `mainstay serve`: chosen roles of the binary as a process of their own.
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { binary, folder, freePort } from './mainstay.mjs'

export async function serve(roles, env) {
  const [home, port, admin] = [await folder(), await freePort(), await freePort()]
  const { PATH, LANG } = process.env
  const child = spawn(binary, ['serve', home, '--roles', roles, '--port', String(port)], {
    env: { PATH, LANG, HOME: home, MAINSTAY_ADMIN_PORT: String(admin), ...env }, stdio: ['ignore', 'pipe', 'pipe'],
  })
  const it = { port, url: `http://localhost:${port}`, admin: `http://127.0.0.1:${admin}`, process: child, log: '' }
  it.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (it.log += data))
  it.down = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill()
    await it.ended
    await rm(home, { recursive: true, force: true })
  }
  for (const deadline = Date.now() + 30_000; !it.log.includes('is ready at'); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`serve --roles ${roles} is not ready (${child.exitCode}):\n${it.log}`)
  }
  return it
}
