#![doc = include_str!("../README.md")]

mod asset;
mod condition;
mod config;
mod encoding;
mod error;
mod files;
mod info;
mod media;
mod pages;
mod path;
mod range;
mod respond;
mod site;

pub use config::Config;
pub use error::ERRORS;
pub use info::PublicInfo;

use axum::Router;
use mainstay_kernel::config::Section as _;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::http::Request;
use mainstay_kernel::lifecycle::Lifecycle;
use site::{Fallback, Site};
use std::path::PathBuf;
use std::sync::Arc;

/// What the portal is given.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The project folder.
    pub project: PathBuf,
    /// What a front end may know.
    pub public: PublicInfo,
}

/// Why the portal cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("portal.{key}: {problem}")]
pub struct BuildError {
    key: &'static str,
    problem: String,
}

/// The portal, ready to serve.
pub struct Room {
    site: Arc<Site>,
}

/// Builds the portal. The web folder may appear later; until then a welcome page is served.
///
/// # Errors
/// When a setting does not fit.
pub fn build(config: &Config, deps: Deps) -> Result<Room, BuildError> {
    config.validate().map_err(|(key, problem)| BuildError { key, problem })?;
    let site = Site {
        files: files::Files::new(deps.project.join(&config.web_dir), config),
        info: deps.public,
        fallback: if config.spa { Fallback::Application } else { Fallback::NotFound },
        web_dir: config.web_dir.clone(),
    };
    Ok(Room { site: Arc::new(site) })
}

// === impl Room ===

impl Room {
    /// Every path and method is answered.
    pub fn router(&self) -> Router {
        let site = self.site.clone();
        Router::new().fallback(move |request: Request| {
            let site = site.clone();
            async move { site.answer(request).await }
        })
    }

    /// Always ready: files are looked up when they are asked for.
    #[must_use]
    pub fn ready(&self) -> Readiness {
        Readiness::Ready
    }

    /// There is no background work.
    pub fn run(&self, _: &Lifecycle) {}
}
