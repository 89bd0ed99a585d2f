//! `mainstay image`.

use crate::cli::Image;
use crate::failure::Outcome;
use crate::kubernetes;
use crate::project::Project;
use crate::terminal;
use anyhow::Context as _;
use mainstay_image::{ImageSpec, build, epoch};
use std::path::PathBuf;

pub(super) fn run(arguments: &Image) -> Outcome {
    let system = kubernetes::system(&arguments.project, Vec::new())?;
    let project = Project::open(&arguments.project)?;
    let tag = arguments.tag.clone().unwrap_or_else(|| system.image.clone());
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}-image.tar", system.project.name)));
    let binary = std::env::current_exe().context("the running program's own file")?;
    let mut spec = ImageSpec::new(binary, tag.clone()).project(&project.dir);
    spec.created = epoch(std::env::var("SOURCE_DATE_EPOCH").ok().as_deref())?;
    terminal::progress(&format!("{tag}: this program, the libraries it needs, and {}", project.dir.display()));
    // the sentence has its cause in it already
    let built = build(&spec, &out).map_err(|error| anyhow::anyhow!("{error}"))?;
    if arguments.json {
        terminal::say(&serde_json::to_string_pretty(&built)?);
        return Ok(());
    }
    for layer in &built.layers {
        terminal::progress(&format!("  {:<9} {:>8} kB, {} files", layer.name, layer.size / 1000, layer.entries));
    }
    let archive = out.display();
    terminal::done(&format!("{archive}: {} MB, {}", built.size / 1_000_000, built.digest));
    terminal::say(&format!("minikube   minikube image load {archive}"));
    terminal::say(&format!("k3d        k3d image import {archive} --cluster NAME"));
    terminal::say(&format!("kind       kind load image-archive {archive} --name NAME"));
    terminal::say(&format!("registry   podman load --input {archive}, then podman push {tag}"));
    Ok(())
}
