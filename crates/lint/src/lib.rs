//! Checks of Kubernetes objects against each other.
