/** What all plots share: the frame that names them, a scale, and round numbers for its axis. */
import { s, uid } from '../lib/dom.js';

/** An <svg> with a name and a description for those who do not see it. */
export function frame(width, height, title, desc, ...children) {
  const ids = [uid('plot'), uid('plot')];
  return s('svg', { class: 'chart', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': ids.join(' ') },
    s('title', { id: ids[0] }, title), s('desc', { id: ids[1] }, desc), children);
}

/** Three to five round numbers from 0 to at least `max`. */
export function ticks(max) {
  if (!(max > 0)) return [0, 50, 100];
  const rough = max / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
  return Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, i) => i * step);
}

/** Horizontal lines with their amounts at the left. */
export function grid(marks, y, left, right, label) {
  return s('g', { class: 'grid-lines', 'aria-hidden': 'true' }, marks.map((m) => [
    s('line', { x1: left, x2: right, y1: y(m), y2: y(m) }),
    s('text', { x: left - 8, y: y(m) + 4, 'text-anchor': 'end' }, label(m))]));
}

/** A bar with a round top. */
export function bar(x, y, width, height, props) {
  const r = Math.min(4, width / 2, height);
  const d = `M${x} ${y + height}V${y + r}q0 ${-r} ${r} ${-r}h${width - 2 * r}q${r} 0 ${r} ${r}V${y + height}z`;
  return s('path', { d: height > 0 ? d : '', ...props });
}
