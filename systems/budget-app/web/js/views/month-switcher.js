/** Goes from month to month; the chosen one is kept while one moves between views. */
import { h } from '../lib/dom.js';
import { addMonths, monthLong, monthParam, parseMonth, thisMonth } from '../lib/dates.js';
import { iconButton } from '../lib/ui.js';
import { setQuery } from '../router.js';

let remembered = null;

/** The month of the address bar, else the one last chosen, else this one. */
export function chosenMonth(query) {
  remembered = parseMonth(query.month) ?? remembered ?? thisMonth();
  return remembered;
}

export const goMonth = (month) => setQuery({ month: monthParam(month) });

/** The control, with `show(month)` to say which one is chosen, and the arrow keys that move it. */
export function monthSwitcher() {
  let month = thisMonth();
  const label = h('output', { class: 'month-label', id: 'month-label', 'aria-live': 'polite' });
  const now = h('button', { type: 'button', class: 'button small', hidden: true, onclick: () => goMonth(thisMonth()) }, 'This month');
  const el = h('div', { class: 'months', role: 'group', 'aria-label': 'Month' }, now,
    h('div', { class: 'months-pill' },
      iconButton('left', 'Previous month', { onclick: () => goMonth(addMonths(month, -1)) }), label,
      iconButton('right', 'Next month', { onclick: () => goMonth(addMonths(month, 1)) })));
  return {
    el,
    show(next) {
      month = next;
      label.textContent = monthLong(month);
      now.hidden = month === thisMonth();
    },
    keys: { ArrowLeft: () => goMonth(addMonths(month, -1)), ArrowRight: () => goMonth(addMonths(month, 1)) },
  };
}
