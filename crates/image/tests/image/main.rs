//! Images that are really written, read back with what engines look at.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;
mod folders;
mod programs;
mod support;
