//! Rendered folders, tables and pictures of whole systems.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod fixture;
mod gotemplate;
mod helm;
mod kustomize;
mod picture;
mod summary;
mod tree;
