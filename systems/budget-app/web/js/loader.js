/**
 * Loading with all its outcomes: grey shapes at first, the old content dimmed on
 * a reload, a banner with a way to retry on failure. Only the newest request counts.
 */
import { button, empty } from './lib/ui.js';
import { clearProblem, showProblem } from './banner.js';

export function loader(place, { skeleton, load, draw }) {
  let newest = 0;
  let drawn = false;
  async function run() {
    const mine = ++newest;
    if (!drawn) place.replaceChildren(skeleton());
    place.setAttribute('aria-busy', 'true');
    try {
      const data = await load();
      if (mine !== newest) return;
      clearProblem();
      place.replaceChildren(...[draw(data)].flat().filter(Boolean));
      drawn = true;
    } catch (error) {
      if (mine !== newest || error.kind === 'session') return;
      if (!error.kind) console.error(error);
      showProblem(error.kind ? error.message : 'Something went wrong on this page.', run);
      if (!drawn) place.replaceChildren(empty({ icon: 'alert', title: 'This could not be loaded', text: 'Your data is safe. It will be here as soon as the server answers.', actions: [button('Load again', { onclick: run })] }));
    } finally {
      if (mine === newest) place.removeAttribute('aria-busy');
    }
  }
  return { run, cancel() { newest++; clearProblem(); } };
}
