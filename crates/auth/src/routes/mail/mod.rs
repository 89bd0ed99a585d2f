//! Routes whose work is a mail. This server has no mailer yet, and says so.

pub(crate) mod recover;
pub(crate) mod refuse;
