/**
 * Building elements. Text always goes in as text nodes, never as markup, so
 * nothing a person types can become part of the page's code.
 */

const SVG = 'http://www.w3.org/2000/svg';

/** h('button', { class: 'x', onclick: f, style: { '--c': '#abc' } }, 'text', child …) */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG elements. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(el, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value);
    else if (key === 'style') for (const [name, v] of Object.entries(value)) el.style.setProperty(name, v);
    else if (key === 'value' || key === 'checked' || key === 'selected') el[key] = value;
    else el.setAttribute(key, value === true ? '' : value);
  }
  el.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

let serial = 0;
/** An id for a label or a description to point at. */
export const uid = (stem = 'id') => `${stem}-${++serial}`;

/** Waits until calls stop for `ms` before making the last of them. */
export function debounce(fn, ms) {
  let timer;
  return (...args) => { clearTimeout(timer); timer = setTimeout(() => fn(...args), ms); };
}

/** True while a person is typing, so that letters are letters and not shortcuts. */
export const isTyping = (el = document.activeElement) =>
  !!el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName)) && el.type !== 'radio' && el.type !== 'checkbox';
