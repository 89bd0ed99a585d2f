/**
 * Paths to views. A view is a function (outlet, query) that fills the outlet and
 * may answer { update(query), refresh(), keys: { name: fn }, leave() }.
 */

let routes = {};
let outlet;
let before = () => null; // may answer another path to go to
let view = null;
let shown = null;

export function start(table, { guard }) {
  routes = table;
  before = guard;
  addEventListener('popstate', show);
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href^="/"]');
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute('download') || !routes[link.pathname]) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  document.addEventListener('kitty:changed', () => view?.refresh?.());
}

/** Goes to a path of this app. */
export function go(path, { replace = false } = {}) {
  if (path === location.pathname + location.search) replace = true;
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  show();
}

/** Shows what the address bar says. */
export function show() {
  const elsewhere = before(location.pathname);
  if (elsewhere) { history.replaceState(null, '', elsewhere); return show(); }
  const route = routes[location.pathname];
  const query = Object.fromEntries(new URLSearchParams(location.search));
  if (shown === route && view?.update) return view.update(query);
  const first = shown === null;
  view?.leave?.();
  shown = route;
  outlet = route.outlet();
  outlet.replaceChildren();
  document.title = `${route.title} · Kitty`;
  view = route.view(outlet, query) ?? {};
  document.dispatchEvent(new CustomEvent('kitty:shown', { detail: location.pathname }));
  scrollTo(0, 0);
  if (!first) outlet.querySelector('h1')?.focus({ preventScroll: true });
  return undefined;
}

/** Forgets the open view, so that the next `show` builds anew (someone else may have signed in). */
export function reset() {
  view?.leave?.();
  view = null;
  shown = undefined;
}

/** The open view's answer to a key, if it has one. */
export const key = (name) => view?.keys?.[name];
/** Sets part of the address without leaving the view; empty values go away. */
export function setQuery(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) value ? query.set(name, value) : query.delete(name);
  const text = query.toString().replaceAll('%2C', ',');
  go(location.pathname + (text ? `?${text}` : ''), { replace: 'q' in changes });
}
