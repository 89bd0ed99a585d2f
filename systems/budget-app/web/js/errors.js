/** What went wrong, in words for the person who sees it. */

/** kind: 'offline' | 'server' | 'session' | 'conflict' | 'input' | 'limit' */
export class AppError extends Error {
  constructor(kind, message, code) { super(message); this.kind = kind; this.code = code; }
}

/** A failed answer of the data API. */
export function fromData(error, status) {
  const code = error.code ?? '';
  if (!status) return new AppError('offline', 'The server cannot be reached. Check the connection and try again.');
  if (status === 401 || code === 'PGRST301' || code === 'PGRST303') return new AppError('session', 'Your session has ended. Please sign in again.');
  if (status === 429) return new AppError('limit', 'That was a lot at once. Please wait a moment and try again.');
  if (status >= 500) return new AppError('server', 'The server has a problem right now. Nothing was lost; please try again.');
  if (code === '23505') return new AppError('conflict', 'That already exists.', code);
  return new AppError('input', 'That could not be saved. Please check what you entered.', code);
}

const SIGN_IN = {
  invalid_credentials: 'Wrong e-mail or password.',
  email_not_confirmed: 'Please confirm your e-mail address first: the link is in your inbox.',
  user_already_exists: 'This address is already registered. Sign in instead.',
  email_exists: 'This address is already registered. Sign in instead.',
  email_address_invalid: 'This is not an e-mail address we can use.',
  signup_disabled: 'New accounts cannot be made here at the moment.',
  user_banned: 'This account is blocked.',
  same_password: 'The new password must differ from the old one.',
  over_request_rate_limit: 'Too many tries. Please wait a minute.',
  over_email_send_rate_limit: 'Too many e-mails were asked for. Please wait a minute.',
};

/** A failed answer of the sign-in service. */
export function fromAuth(error) {
  const { code, status } = error;
  if (code === 'weak_password') {
    const atLeast = /at least (\d+)/.exec(error.message)?.[1];
    return new AppError('input', atLeast ? `The password is too weak: use at least ${atLeast} characters.` : 'The password is too weak: make it longer, or less common.', code);
  }
  if (SIGN_IN[code]) return new AppError('input', SIGN_IN[code], code);
  if (error.name === 'AuthRetryableFetchError' && !status) return new AppError('offline', 'The server cannot be reached. Check the connection and try again.');
  if (status === 429) return new AppError('limit', 'Too many tries. Please wait a minute.');
  if (!status || status >= 500) return new AppError('server', 'Signing in does not work right now. Please try again shortly.');
  return new AppError('input', /invalid login/i.test(error.message) ? SIGN_IN.invalid_credentials : error.message, code);
}
