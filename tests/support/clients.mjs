// Callers through the published client library.
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

// The library wants a WebSocket even where nobody uses it; Node 20 has none of its own.
const base = { auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false }, realtime: { transport: ws } }

export function client(instance, key = instance.keys.publishable_key, options = {}) {
  return createClient(instance.url, key, { ...base, ...options })
}

let count = 0

// A new account, signed in.
export async function person(instance, name = 'person') {
  const email = `${name}-${Date.now().toString(36)}-${count++}@example.com`
  const password = 'a good password 1'
  const it = client(instance)
  const { data, error } = await it.auth.signUp({ email, password })
  if (error) throw error
  return Object.assign(it, { email, password, id: data.user.id, session: data.session })
}

// The data of an answer; throws its error.
export function ok({ data, error }) {
  if (error) throw new Error(`${error.code ?? error.status}: ${error.message}`)
  return data
}
