/** Starts the app: the client, the session, the views, the keys. */
import * as api from './api.js';
import * as router from './router.js';
import * as session from './session.js';
import * as shortcuts from './shortcuts.js';
import * as store from './store.js';
import { h } from './lib/dom.js';
import { clearToasts, toast } from './lib/toast.js';
import { button, empty } from './lib/ui.js';
import { inside, outside, SECTIONS } from './shell.js';
import { budgets } from './views/budgets.js';
import { categories } from './views/categories.js';
import { editExpense } from './views/expense-dialog.js';
import { expenses } from './views/expenses.js';
import { overview } from './views/overview.js';
import { settings } from './views/settings.js';
import { register, signIn } from './views/sign-in.js';

const ENDED = 'Your session has ended. Please sign in again.';
const OPEN = new Set(['/sign-in', '/register']);
let wanted = null; // where someone was going before having to sign in

async function boot() {
  const problem = providerProblem();
  const { client, config } = await api.connect();
  const opening = await session.start(client, onSession);
  const door = (view, title) => ({ title, outlet: outside, view: (outlet, query) => view(outlet, query, config.external ?? []) });
  const room = (view, title) => ({ title, outlet: inside, view });
  router.start({
    '/sign-in': door(signIn, 'Sign in'), '/register': door(register, 'Create an account'),
    '/overview': room(overview, 'Overview'), '/expenses': room(expenses, 'Expenses'), '/budgets': room(budgets, 'Budgets'),
    '/categories': room(categories, 'Categories'), '/settings': room(settings, 'Settings'),
  }, { guard });
  shortcuts.start(globalKey);
  if (session.user()) await store.load();
  if (opening === 'ended') wanted = location.pathname + location.search;
  router.show();
  if (opening === 'ended') toast(ENDED, { kind: 'bad' });
  if (opening === 'recovery') onSession('recovery');
  if (problem) toast(problem, { kind: 'bad' });
}

/** Keeps those who are not signed in outside, and the others inside. */
function guard(path) {
  if (session.user()) return OPEN.has(path) || !SECTIONS.some(([p]) => p === path) ? '/overview' : null;
  if (OPEN.has(path)) return null;
  if (path !== '/') wanted = path + location.search;
  return '/sign-in';
}

async function onSession(event) {
  if (event === 'recovery') {
    toast('Choose a new password below.');
    return router.go('/settings');
  }
  router.reset();
  if (event === 'in') {
    try { await store.load(); } catch (error) { return failed(error); }
    const path = wanted ?? '/overview';
    wanted = null;
    return router.go(path, { replace: true });
  }
  document.querySelectorAll('dialog[open]').forEach((d) => d.close());
  clearToasts();
  store.forget();
  wanted = event === 'ended' ? location.pathname + location.search : null;
  if (event === 'ended') toast(ENDED, { kind: 'bad' });
  return router.go('/sign-in', { replace: true });
}

function globalKey(key) {
  if (!session.user()) return null;
  if (key === 'n') return () => editExpense();
  if (key === '/') return () => { router.go('/expenses'); router.key('/')?.(); };
  const section = SECTIONS[Number(key) - 1];
  return section ? () => router.go(section[0]) : null;
}

/** What a sign-in provider had to say when it sent the person back without success. */
function providerProblem() {
  const said = new URLSearchParams(location.search.slice(1) || location.hash.slice(1));
  const text = said.get('error_description') ?? said.get('error');
  if (!text) return null;
  history.replaceState(null, '', '/sign-in');
  return said.get('error') === 'access_denied' ? 'Signing in was cancelled.' : `Signing in did not work: ${text}`;
}

function failed(error) {
  if (!error.kind) console.error(error);
  if (error.kind === 'session') return;
  document.getElementById('app').replaceChildren(h('main', { id: 'main', class: 'outside' },
    empty({ icon: 'alert', title: 'Your budget cannot be opened', level: 'h1', text: error.message,
      actions: [button('Try again', { kind: 'primary', onclick: () => location.reload() })] })));
}

boot().catch(failed);
