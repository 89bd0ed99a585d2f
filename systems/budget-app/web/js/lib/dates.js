/**
 * Dates as the database writes them: a day is 'YYYY-MM-DD', a month is its first
 * day. No time zones enter, so a day is the same day everywhere.
 */

const pad = (n) => String(n).padStart(2, '0');
const parts = (iso) => iso.split('-').map(Number);
const local = (iso) => { const [y, m, d] = parts(iso); return new Date(y, m - 1, d); };
const iso = (y, m, d) => `${y}-${pad(m)}-${pad(d)}`;

export function today() {
  const now = new Date();
  return iso(now.getFullYear(), now.getMonth() + 1, now.getDate());
}
export const monthOf = (day) => `${day.slice(0, 7)}-01`;
export const thisMonth = () => monthOf(today());

export function addMonths(month, n) {
  const [y, m] = parts(month);
  const at = y * 12 + (m - 1) + n;
  return iso(Math.floor(at / 12), (at % 12) + 1, 1);
}
export const daysIn = (month) => { const [y, m] = parts(month); return new Date(y, m, 0).getDate(); };
export const lastDay = (month) => `${month.slice(0, 8)}${pad(daysIn(month))}`;
export const dayOfMonth = (day) => parts(day)[2];
export const addDays = (day, n) => {
  const [y, m, d] = parts(day);
  const at = new Date(y, m - 1, d + n);
  return iso(at.getFullYear(), at.getMonth() + 1, at.getDate());
};

/** A month from the address bar ('2026-11'), or null when it is none. */
export function parseMonth(text) {
  return /^(19[7-9]\d|20\d\d|21\d\d)-(0[1-9]|1[0-2])$/.test(text ?? '') ? `${text}-01` : null;
}
export const monthParam = (month) => month.slice(0, 7);

const format = (options) => {
  const f = new Intl.DateTimeFormat(undefined, options);
  return (day) => f.format(local(day));
};
export const monthLong = format({ month: 'long', year: 'numeric' });
export const monthName = format({ month: 'long' });
export const monthShort = format({ month: 'short' });
export const dayShort = format({ day: 'numeric', month: 'short' });
const weekday = format({ weekday: 'long', day: 'numeric', month: 'long' });
const weekdayYear = format({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });

/** 'Today', 'Yesterday', or the day in words. */
export function dayInWords(day) {
  const now = today();
  if (day === now) return 'Today';
  if (day === addDays(now, -1)) return 'Yesterday';
  return day.slice(0, 4) === now.slice(0, 4) ? weekday(day) : weekdayYear(day);
}
