//! Labels and annotations that Mainstay writes and reads.

/// Label: name of the component (`gateway`, `postgres`). Part of every selector.
pub const NAME: &str = "app.kubernetes.io/name";
/// Label: name of the project. Part of every selector.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label: what kind of part it is (`api`, `database`, `monitoring`, `service`).
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// Label: the project again, for tools that group by it.
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// Label: the program that made the object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label: version of the image. Never in a selector.
pub const VERSION: &str = "app.kubernetes.io/version";
/// Value of [`MANAGED_BY`], and the field manager of server-side apply.
pub const MANAGER: &str = "mainstay";

/// Annotation: `"true"` on what pruning and `destroy` must never take (volumes, generated secrets, the namespace).
pub const KEEP: &str = "mainstay.dev/keep";
/// Annotation on a Deployment that an autoscaler scales: how many replicas to create it with. `spec.replicas` is left out,
/// because it belongs to the autoscaler.
pub const INITIAL_REPLICAS: &str = "mainstay.dev/initial-replicas";
/// Annotation on pod templates: hash of the configuration that the pods read, so that a change rolls them.
pub const CONFIG_HASH: &str = "mainstay.dev/config-hash";
/// Annotation on a Secret: names of the keys that it must hold, separated by commas.
pub const SECRET_KEYS: &str = "mainstay.dev/keys";
/// Annotation on pod templates: names of the roles that run in the pod.
pub const ROLES: &str = "mainstay.dev/roles";
/// Annotation on a Job: `"true"` when a changed template means that the old Job is deleted and the new one made (the
/// template of a Job cannot be changed). The Job must be safe to run again.
pub const REPLACE: &str = "mainstay.dev/replace";
/// Annotation: codes of `mainstay lint` that do not apply to the object, a colon, and the reason.
pub const LINT_IGNORE: &str = "mainstay.dev/lint-ignore";
