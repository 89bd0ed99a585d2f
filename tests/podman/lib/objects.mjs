// A folder of Kubernetes objects in YAML, and the little of their grammar that running them needs.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseAllDocuments } from 'yaml'

export class Objects {
  constructor(texts) {
    this.all = texts.flatMap((text) => parseAllDocuments(text)).map((document) => {
      if (document.errors.length) throw document.errors[0]
      return document.toJS()
    }).filter((object) => object?.kind && object.metadata)
  }

  static folder(folder) {
    const files = readdirSync(folder, { recursive: true }).filter((name) => /\.ya?ml$/.test(name)).sort()
    return new Objects(files.map((file) => readFileSync(path.join(folder, file), 'utf8')))
  }

  of(kind) {
    return this.all.filter((object) => object.kind === kind)
  }

  get(kind, name) {
    const found = this.of(kind).find((object) => object.metadata.name === name)
    if (!found) throw new Error(`there is no ${kind} ${name}`)
    return found
  }

  // Deployments of roles of ours.
  get workloads() {
    return this.of('Deployment').filter((object) => object.spec.template.spec.containers[0].args?.[0] === 'serve')
  }

  // The Job that prepares the database.
  get init() {
    return this.of('Job').find((object) => object.spec.template.spec.containers[0].args?.[0] === 'migrate')
  }

  get namespace() {
    return this.workloads[0].metadata.namespace
  }

  // The image that the roles share, without a digest: what was built here has another one than what was published.
  get image() {
    const images = new Set([...this.workloads, this.init].map((object) => object.spec.template.spec.containers[0].image))
    if (images.size !== 1) throw new Error(`the roles have several images: ${[...images]}`)
    return [...images][0].split('@')[0]
  }
}

const UNITS = { '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }

export function quantity(text) {
  const [, number, unit] = /^([0-9.]+)([A-Za-z]*)$/.exec(String(text)) ?? []
  if (!(unit in UNITS)) throw new Error(`${text} is no quantity`)
  return Number(number) * UNITS[unit]
}

// Refuses what nobody here would heed: a template that runs only because half of it was passed over proves nothing.
export function only(object, known, where) {
  const unknown = Object.keys(object ?? {}).filter((key) => !known.includes(key))
  if (unknown.length) throw new Error(`${where}: these tests cannot do ${unknown.join(', ')}`)
  return object ?? {}
}
