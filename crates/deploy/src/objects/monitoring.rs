//! To come.

use crate::system::System;
use mainstay_manifest::Object;

pub(super) fn objects(_: &System) -> Vec<Object> {
    Vec::new()
}
