//! What the five seed systems ask for, object by object and value by value; what every object of every system must have
//! beside that; and what a real cluster would trip over.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod budget_app;
mod capacity;
mod configuration;
mod every_object;
mod image_portal;
mod pitfalls;
#[path = "../isolation/projects.rs"]
mod projects;
mod rest_api;
mod seed;
mod task_management;
mod workloads;
mod xray_api;
