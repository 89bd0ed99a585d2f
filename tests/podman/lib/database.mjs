// The PostgreSQL of this machine, as the pods' database: passwords are asked for.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { postgres } from '../../support/postgres.mjs'

export async function database({ name, owner }) {
  const server = await postgres()
  const sql = async (text) => (await promisify(execFile)('psql', ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', server.url, '-c', text])).stdout.trim()
  await sql(`create role postgres superuser login password '${owner}'`)
  await sql(`create database ${name} owner postgres`)
  const access = await sql('show hba_file')
  const reload = 'select pg_reload_conf()'
  await writeFile(access, 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n')
  await sql(reload)
  return { port: Number(new URL(server.url).port), down: server.down }
}
