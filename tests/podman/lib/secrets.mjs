// Values for every Secret of a rendered tree, new for each run. The objects name the keys, never the values.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { binary } from '../../support/mainstay.mjs'

const KEYS = 'mainstay.dev/keys'

export async function secretsFor(objects, home) {
  const database = Object.assign({}, ...objects.of('ConfigMap').map(({ data }) => data))
  const host = database.DB_HOST ?? objects.of('Service').find(({ spec }) => spec.ports[0].port === 5432).metadata.name
  const name = database.DB_NAME ?? objects.namespace.replaceAll('-', '_')
  const random = () => randomBytes(32).toString('base64url')
  const [owner, data, auth, jwt] = [random(), random(), random(), random()]
  const url = (user, password) => `postgresql://${user}:${password}@${host}:${database.DB_PORT ?? 5432}/${name}`
  const { publishable_key, secret_key } = await apiKeys(home)
  const values = {
    MAINSTAY_DATABASE_DATA_URL: url('authenticator', data),
    MAINSTAY_DATABASE_AUTH_URL: url('supabase_auth_admin', auth),
    JWT_SECRET: jwt,
    SECRET_KEY: jwt,
    MAINSTAY_IDENTITY_PUBLISHABLE_KEY: publishable_key,
    MAINSTAY_IDENTITY_SECRET_KEY: secret_key,
    POSTGRES_DB: name,
    POSTGRES_USER: 'postgres',
    POSTGRES_PASSWORD: owner,
  }
  const used = objects.init.spec.template.spec.volumes.map(({ secret }) => secret?.secretName)
  const secrets = Object.fromEntries(objects.of('Secret').map(({ metadata }) => {
    const keys = metadata.annotations?.[KEYS]?.split(',') ?? []
    // the owner's login prepares the database, the data role's serves it; both go by the same name
    const login = used.includes(metadata.name) ? url('postgres', owner) : url('authenticator', data)
    return [metadata.name, Object.fromEntries(keys.map((key) => [key, key === 'DATABASE_URL' ? login : (values[key] ?? random())]))]
  }))
  return { secrets, owner, name, publishable: publishable_key }
}

// Keys of the form that the gateway takes, made by the binary itself.
async function apiKeys(home) {
  const project = path.join(home, 'keys')
  await mkdir(project)
  await writeFile(path.join(project, 'mainstay.toml'), 'name = "keys"\n')
  const { PATH, HOME } = process.env
  const { stdout } = await promisify(execFile)(binary, ['keys', project, '--json'], { env: { PATH, HOME } })
  return JSON.parse(stdout)
}
