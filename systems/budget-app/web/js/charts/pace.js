/** How the month adds up day by day, beside the month before and the plan. */
import { h, s } from '../lib/dom.js';
import { addMonths, dayOfMonth, dayShort, daysIn, monthName, thisMonth, today } from '../lib/dates.js';
import { money, moneyAxis } from '../lib/money.js';
import { frame, grid, ticks } from './svg.js';
import { hideTip, showTip } from './tooltip.js';

const HEIGHT = 230;
const running = (numbers) => { let total = 0; return numbers.map((n) => (total = Math.round((total + n) * 100) / 100)); };

export function pace(days, { month, planned }) {
  const before = addMonths(month, -1);
  const names = [monthName(month), monthName(before)];
  // The running month is drawn up to today, unless something is noted for later.
  const noted = days.findLast((d) => d.spent > 0)?.day ?? 0;
  const upTo = month === thisMonth() ? Math.max(dayOfMonth(today()), noted) : month > thisMonth() ? noted : daysIn(month);
  const line = running(days.slice(0, upTo).map((d) => d.spent));
  const old = running(days.slice(0, daysIn(before)).map((d) => d.spent_before));
  const dayOf = (n) => dayShort(`${month.slice(0, 8)}${String(n).padStart(2, '0')}`);

  function plot(width) {
    const [left, right, top, bottom] = [52, 10, 10, 26];
    const marks = ticks(Math.max(planned, line.at(-1) ?? 0, old.at(-1) ?? 0));
    const x = (day) => left + ((day - 1) / 30) * (width - left - right);
    const y = (n) => HEIGHT - bottom - (n / marks.at(-1)) * (HEIGHT - top - bottom);
    const path = (points) => points.map((n, i) => `${i ? 'L' : 'M'}${x(i + 1).toFixed(1)} ${y(n).toFixed(1)}`).join('');
    const cursor = s('line', { class: 'cursor', y1: top, y2: y(0), visibility: 'hidden' });
    const move = (e) => {
      const box = e.currentTarget.ownerSVGElement.getBoundingClientRect();
      const day = Math.min(31, Math.max(1, Math.round(((e.clientX - box.left - left) / (width - left - right)) * 30) + 1));
      if (day > Math.max(line.length, old.length)) return;
      cursor.setAttribute('x1', x(day));
      cursor.setAttribute('x2', x(day));
      cursor.setAttribute('visibility', 'visible');
      const lines = [[names[0], line[day - 1]], [names[1], old[day - 1]]].filter(([, n]) => n !== undefined).map(([name, n]) => [name, money(n)]);
      showTip(e, `By day ${day}`, lines);
    };
    const every = width < 420 ? 10 : 5;
    return frame(width, HEIGHT, `Spending through ${names[0]}`, `${money(line.at(-1) ?? 0)} by day ${upTo}; ${names[1]} came to ${money(old.at(-1) ?? 0)}.${planned ? ` The plan is ${money(planned)}.` : ''}`,
      grid(marks, y, left, width - right, moneyAxis),
      [1, ...Array.from({ length: Math.floor(30 / every) }, (_, i) => (i + 1) * every)].map((day) => s('text', { class: 'day-name', x: x(day), y: HEIGHT - 8, 'text-anchor': 'middle' }, day)),
      planned > 0 && s('line', { class: 'pace-plan', x1: left, x2: width - right, y1: y(planned), y2: y(planned) }),
      s('path', { class: 'pace-before', d: path(old) }),
      line.length > 0 && s('path', { class: 'pace-area', d: `${path(line)}L${x(line.length)} ${y(0)}L${x(1)} ${y(0)}z` }),
      line.length > 0 && s('path', { class: 'pace-now', d: path(line), pathLength: 1 }),
      line.length > 0 && s('circle', { class: 'pace-dot', cx: x(line.length), cy: y(line.at(-1)), r: 4.5 }),
      cursor,
      s('rect', { class: 'hit', x: left, y: top, width: width - left - right, height: HEIGHT - top - bottom, onpointermove: move, onpointerleave: () => { cursor.setAttribute('visibility', 'hidden'); hideTip(); } }));
  }
  const legend = h('ul', { class: 'legend-line' }, h('li', {}, h('span', { class: 'key key-now' }), names[0]), h('li', {}, h('span', { class: 'key key-before' }), names[1]), planned > 0 && h('li', {}, h('span', { class: 'key key-plan' }), 'budget'));
  return { plot, legend, table: { head: ['Up to', names[0], names[1]], rows: days.map((d, i) => [dayOf(d.day), line[i] === undefined ? '–' : money(line[i]), old[i] === undefined ? '–' : money(old[i])]).filter((_, i) => i < daysIn(month)) } };
}
