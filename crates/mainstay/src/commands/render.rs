//! `mainstay render`.

use crate::cli::Render;
use crate::failure::Outcome;
use crate::kubernetes;
use crate::terminal;

pub(super) fn run(arguments: &Render) -> Outcome {
    let system = kubernetes::system(&arguments.project, Vec::new())?;
    for object in mainstay_deploy::objects(&system) {
        terminal::say(&format!("---\n# file: {}\n{}", object.path, mainstay_manifest::yaml::write(&object).trim_end()));
    }
    Ok(())
}
