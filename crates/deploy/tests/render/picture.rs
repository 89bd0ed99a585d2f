//! The pictures.

use crate::fixture;
use mainstay_deploy::render::{picture_svg, picture_text};

/// `RENDER_OUT=folder cargo test -p mainstay-deploy --test render look` writes the pictures to look at.
#[test]
fn look() {
    let Some(folder) = std::env::var_os("RENDER_OUT") else { return };
    for system in fixture::all() {
        let path = std::path::Path::new(&folder).join(&system.project.name);
        std::fs::write(path.with_extension("svg"), picture_svg(&system)).unwrap();
        std::fs::write(path.with_extension("txt"), picture_text(&system)).unwrap();
    }
}
