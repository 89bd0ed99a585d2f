//! `cargo run -p mainstay-image --example image -- BINARY PROJECT TAG OUT` writes an image and prints what it is as JSON.
//! `PROJECT` may be `-` for an image without one.

#![allow(clippy::print_stdout, reason = "the output is the point")]

use mainstay_image::{ImageSpec, build, epoch};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binary, project, tag, out] = &arguments[..] else { return Err("image BINARY PROJECT TAG OUT".into()) };
    let mut spec = ImageSpec::new(binary, tag);
    spec.created = epoch(std::env::var("SOURCE_DATE_EPOCH").ok().as_deref())?;
    if project != "-" {
        spec = spec.project(project);
    }
    println!("{}", serde_json::to_string_pretty(&build(&spec, Path::new(out))?)?);
    Ok(())
}
