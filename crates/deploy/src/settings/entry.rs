//! Tables of named entries, such as `[workloads.<name>]`: declared like sections, so that the reference knows their keys.

/// Declares the struct of an entry: every field is a key with a doc comment; unset keys take the type's default.
macro_rules! entry {
    (
        $(#[doc = $about:expr])*
        pub struct $name:ident in $section:literal {
            $( $(#[doc = $doc:expr])+ pub $field:ident : $kind:ty ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Default, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $kind, )*
        }

        impl $name {
            /// Its keys, for the reference.
            #[must_use]
            pub fn info() -> mainstay_kernel::config::SectionInfo {
                mainstay_kernel::config::SectionInfo {
                    name: $section,
                    doc: [$($about),*].map(str::trim).join(" "),
                    keys: vec![$( mainstay_kernel::config::Key::declared(
                        stringify!($field),
                        &[$($doc),+],
                        stringify!($kind),
                        "None".to_owned(),
                    ), )*],
                }
            }
        }
    };
}
pub(crate) use entry;
