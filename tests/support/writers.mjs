// Many writers at once, who note what was acknowledged and try again what was not.
import { ask } from './wire.mjs'

// Writes notes `${name}-1` … until `wanted` are acknowledged; `seen` is told of every answer (0: no answer at all).
export async function writeAll(instance, person, name, wanted, seen = () => {}) {
  const acknowledged = []
  let next = 0
  const deadline = Date.now() + 60_000
  const writer = async () => {
    while (acknowledged.length < wanted) {
      if (Date.now() > deadline) throw new Error(`only ${acknowledged.length} of ${wanted} writes were acknowledged in a minute`)
      const slug = `${name}-${next++}`
      const answer = await ask(instance, '/rest/v1/notes', { method: 'POST', token: person.session.access_token, body: { slug } }).catch(() => ({ status: 0 }))
      if (answer.status === 201) acknowledged.push(slug)
      seen(answer, acknowledged.length)
      if (answer.status !== 201) await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  await Promise.all(Array.from({ length: 16 }, writer))
  return acknowledged
}

// Which of the acknowledged notes are not there.
export async function missing(instance, person, name, acknowledged) {
  const { status, body } = await ask(instance, `/rest/v1/notes?select=slug&slug=like.${name}-*`, { token: person.session.access_token })
  if (status !== 200) throw new Error(`the notes cannot be read: ${status} ${JSON.stringify(body)}`)
  const there = new Set(body.map((row) => row.slug))
  return acknowledged.filter((slug) => !there.has(slug))
}
