//! The `[data]` section.

use mainstay_kernel::config::Size;

mainstay_kernel::section! {
    /// The REST interface to the project's tables, views and functions.
    pub struct Config in "data" {
        /// Schemas that are exposed; the first is the default. Others are chosen with the headers `Accept-Profile` and `Content-Profile`.
        pub schemas: Vec<String> = vec!["public".into()],
        /// Schemas added to the search path, for functions and types that are used but not exposed.
        pub extra_search_path: Vec<String> = vec!["public".into(), "extensions".into()],
        /// Database role of callers without a token. Empty refuses them.
        pub anon_role: String = "anon".into(),
        /// Most rows in one answer, embedded ones counted for each parent.
        pub max_rows: Option<u64> = None,
        /// Largest request body.
        pub max_body: Size = Size(10_000_000),
        /// Function called at the start of every transaction, as `schema.name`.
        pub pre_request: Option<String> = None,
        /// Lets clients use `avg()`, `count()`, `max()`, `min()` and `sum()` in `select`.
        pub aggregates: bool = false,
        /// Lets clients roll a change back with `Prefer: tx=rollback`.
        pub tx_override: bool = false,
    }
    validate(this) {
        if this.schemas.iter().all(|schema| schema.is_empty()) {
            return Err(("schemas", "name at least one schema, for example [\"public\"]".into()));
        }
        if this.pre_request.as_ref().is_some_and(|name| !name.contains('.')) {
            return Err(("pre_request", "write the function with its schema, for example \"public.check\"".into()));
        }
        Ok(())
    }
}
