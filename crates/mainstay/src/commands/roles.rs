//! `mainstay roles`.

use crate::failure::Outcome;
use crate::roles::ROLES;
use crate::terminal;

pub(super) fn run() -> Outcome {
    for role in ROLES {
        terminal::say(&format!("{:<8}  {:<9}  {}", role.name, role.prefix, role.about));
    }
    Ok(())
}
