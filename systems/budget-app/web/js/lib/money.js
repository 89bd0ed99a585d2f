/** Amounts: how they are shown, and how what a person types is understood. */

const MAX = 9_999_999_999.99;
let code = 'EUR';
let exact, whole, compact;

export const CURRENCIES = [
  ['EUR', 'Euro'], ['USD', 'US dollar'], ['GBP', 'Pound sterling'], ['CHF', 'Swiss franc'], ['JPY', 'Yen'],
  ['AUD', 'Australian dollar'], ['BRL', 'Real'], ['CAD', 'Canadian dollar'], ['CNY', 'Yuan'], ['CZK', 'Czech koruna'],
  ['DKK', 'Danish krone'], ['HUF', 'Forint'], ['INR', 'Indian rupee'], ['KRW', 'Won'], ['MXN', 'Mexican peso'],
  ['NOK', 'Norwegian krone'], ['NZD', 'New Zealand dollar'], ['PLN', 'Złoty'], ['SEK', 'Swedish krona'],
  ['SGD', 'Singapore dollar'], ['TRY', 'Turkish lira'], ['UAH', 'Hryvnia'], ['ZAR', 'Rand'],
];

export function setCurrency(next) {
  code = next;
  const base = { style: 'currency', currency: code, currencyDisplay: 'narrowSymbol' };
  exact = new Intl.NumberFormat(undefined, base);
  whole = new Intl.NumberFormat(undefined, { ...base, maximumFractionDigits: 0, minimumFractionDigits: 0 });
  compact = new Intl.NumberFormat(undefined, { ...base, notation: 'compact', maximumFractionDigits: 1, minimumFractionDigits: 0 });
}
setCurrency(code);

export const currency = () => code;
export const symbol = () => exact.formatToParts(0).find((p) => p.type === 'currency').value;
/** €1,234.50 */
export const money = (n) => exact.format(n);
/** €1,235: where cents only disturb. */
export const moneyWhole = (n) => whole.format(n);
/** €1.2K: for axes. */
export const moneyAxis = (n) => (Math.abs(n) < 10000 ? whole.format(n) : compact.format(n));
/** 1,234.50: a number without its currency, for a field. */
export const plain = (n) => (n === null || n === undefined ? '' : Number(n).toFixed(2).replace(/\.00$/, ''));

/** Sums in cents, so that 0.1 + 0.2 is 0.3. */
export const sum = (numbers) => numbers.reduce((total, n) => total + Math.round(n * 100), 0) / 100;

/**
 * '12', '12,50', '1.234,56', '1,234.56', '€ 12' and sums such as '4.50+3' to a
 * number; null when it is no amount.
 */
export function parseMoney(text) {
  const terms = text.split('+').map((t) => parseOne(t.replace(/[^\d.,-]/g, '')));
  if (terms.some((t) => t === null)) return null;
  const total = sum(terms);
  return total <= MAX ? total : null;
}

function parseOne(text) {
  if (!/^\d[\d.,]*$|^[.,]\d+$/.test(text)) return null;
  const at = Math.max(text.lastIndexOf('.'), text.lastIndexOf(','));
  let [units, cents] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  const oneKind = !(text.includes('.') && text.includes(','));
  if (cents.length === 3 && oneKind && units !== '' && units !== '0') [units, cents] = [units + cents, '']; // a thousands mark
  if (cents.length > 2) return null;
  return Number(`${units.replace(/[.,]/g, '') || '0'}.${cents || '0'}`);
}
