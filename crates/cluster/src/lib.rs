//! What is said to a cluster: apply, compare, wait, remove, look.
