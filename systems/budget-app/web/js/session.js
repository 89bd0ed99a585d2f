/** Who is signed in: by password, by a provider, or not at all. */
import { fromAuth } from './errors.js';

let client;
let current = null;
let leaving = false; // signing out was asked for, so it is no surprise
let renewing = false;
let renewed = 0; // when a refused token was last replaced

/**
 * Starts listening; `on` is told 'in', 'out' (asked for), 'ended' (not asked for) and 'recovery'.
 * Answers 'ended' or 'recovery' when that is what the page was opened with.
 */
export async function start(supabase, on) {
  client = supabase;
  let started = false;
  let opening = null;
  client.auth.onAuthStateChange((event, session) => {
    const before = current;
    current = session;
    if (!started) {
      opening = { SIGNED_OUT: 'ended', PASSWORD_RECOVERY: 'recovery' }[event] ?? opening;
      return;
    }
    // The library holds a lock while it calls this; work that calls it again must wait.
    setTimeout(() => {
      if (event === 'PASSWORD_RECOVERY') on('recovery');
      else if (event === 'SIGNED_IN' && before?.user.id !== session?.user.id) on('in');
      else if (event === 'SIGNED_OUT') { on(leaving ? 'out' : 'ended'); leaving = false; }
    });
  });
  const { data } = await client.auth.getSession();
  current = data.session;
  started = true;
  document.addEventListener('kitty:session-ended', renew);
  return opening;
}

/** Perhaps only the short-lived token has run out. If it cannot be renewed, or the new one is refused too, that ends the session. */
async function renew() {
  if (!current || renewing) return;
  renewing = true;
  const { error } = Date.now() - renewed < 30_000 ? { error: true } : await client.auth.refreshSession();
  renewing = false;
  if (!error) {
    renewed = Date.now();
    document.dispatchEvent(new CustomEvent('kitty:changed'));
  } else if (current) await client.auth.signOut({ scope: 'local' });
}

export const user = () => current?.user ?? null;

async function ask(call) {
  const { data, error } = await call;
  if (error) throw fromAuth(error);
  return data;
}

export const signIn = (email, password) => ask(client.auth.signInWithPassword({ email, password }));

/** Answers 'in', 'confirm' (a link was sent) or 'taken'. */
export async function register(email, password) {
  const { user, session } = await ask(client.auth.signUp({ email, password, options: { emailRedirectTo: `${location.origin}/` } }));
  if (session) return 'in';
  return user?.identities?.length === 0 ? 'taken' : 'confirm';
}

export const signInWith = (provider) =>
  ask(client.auth.signInWithOAuth({ provider, options: { redirectTo: `${location.origin}/` } }));

export const changePassword = (password) => ask(client.auth.updateUser({ password }));

export async function signOut(scope = 'local') {
  leaving = true;
  const { error } = await client.auth.signOut({ scope });
  if (error) { leaving = false; throw fromAuth(error); }
}
