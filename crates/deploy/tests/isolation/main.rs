//! Who can connect to whom: the network policies against the edge table, on paper and between network namespaces.
//!
//! To prove one more system: `prove(&objects, &edges)`, and `prove_for_real("module::test_name", &objects, &edges)` for the
//! same between network namespaces. Needs iproute2, nftables and util-linux.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking, and say what they tried")]

mod cast;
mod evaluator;
mod firewall;
mod fixture;
mod netns;
mod projects;
mod proof;
mod random;
mod rendered;
mod semantics;
mod systems;
