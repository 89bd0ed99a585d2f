//! One object per file.

use super::{File, RenderError, check, readme};
use crate::System;
use mainstay_manifest::yaml;

/// Every object in a file of its own, with comments, and a `README.md` that explains the folder.
///
/// # Errors
/// When two objects want one file or a path leaves the folder.
pub fn tree(system: &System) -> Result<Vec<File>, RenderError> {
    let objects = crate::objects(system);
    check(&objects)?;
    let mut files = vec![File::new("README.md", readme::tree(system, &objects))];
    files.extend(objects.iter().map(|object| File::new(object.path.clone(), yaml::write(object))));
    Ok(files)
}
