// A PostgreSQL that Mainstay did not start: what `DATABASE_URL` points to elsewhere.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { folder, freePort } from './mainstay.mjs'

const run = promisify(execFile)

function programs() {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).map((version) => path.join(root, version, 'bin')) : []
  const places = [...versions.sort().reverse(), ...process.env.PATH.split(':')]
  const found = places.find((place) => existsSync(path.join(place, 'initdb')))
  if (!found) throw new Error('PostgreSQL is missing; run `cargo xtask setup`')
  return found
}

export async function postgres() {
  const [home, port, bin] = [await folder(), await freePort(), programs()]
  const data = path.join(home, 'data')
  await mkdir(data)
  let as = (program, args) => run(path.join(bin, program), args)
  if (process.getuid() === 0) {
    // PostgreSQL refuses root
    const [uid, gid] = (await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])))).map(({ stdout }) => Number(stdout))
    await Promise.all([chown(home, uid, gid), chown(data, uid, gid)])
    as = (program, args) => run(path.join(bin, program), args, { uid, gid, cwd: '/' })
  }
  await as('initdb', ['-D', data, '-U', 'admin', '--auth', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C'])
  const options = `-p ${port} -k ${home} -c listen_addresses=127.0.0.1 -c fsync=off`
  const control = (...args) => as('pg_ctl', ['-D', data, '-w', '-s', '-l', path.join(home, 'log'), ...args])
  const it = {
    url: `postgresql://admin@127.0.0.1:${port}/postgres?sslmode=disable`,
    start: () => control('-o', options, 'start'),
    stop: () => control('-m', 'immediate', 'stop'),
    down: async () => {
      await it.stop().catch(() => {})
      await rm(home, { recursive: true, force: true })
    },
  }
  await it.start()
  return it
}
