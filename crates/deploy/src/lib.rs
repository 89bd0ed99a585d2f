//! A project on Kubernetes: from its settings to objects.
