//! The built binary against a cluster: a child process with a kubeconfig that leads to an API double, and the commands
//! that need no cluster.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod deploying;
mod double;
mod failing;
mod image;
mod lint;
mod looking;
mod ownership;
mod reaching;
mod releases;
mod render;
mod secret;
mod world;
