/**
 * CSV as RFC 4180 has it. A text that a spreadsheet would run as a formula gets
 * an apostrophe in front, so that opening the file never computes anything.
 */

const guard = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

function cell(value) {
  if (typeof value === 'number') return value.toFixed(2);
  const text = guard(String(value ?? ''));
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

export const toCsv = (rows) => rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';

/** Hands the text to the browser as a file. The mark in front tells spreadsheets that it is UTF-8. */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
