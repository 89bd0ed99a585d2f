//! The `[portal]` section.

use mainstay_kernel::config::{Seconds, Size};

mainstay_kernel::section! {
    /// The project's front end: static files served at `/`.
    pub struct Config in "portal" {
        /// Folder of the front end, relative to the project folder. Without it a welcome page is served.
        pub web_dir: String = "web".into(),
        /// A single-page application: navigations to paths without a file get `index.html`.
        pub spa: bool = false,
        /// `Cache-Control` of files whose name says nothing about their content.
        pub cache_control: String = "no-cache".into(),
        /// How long browsers keep files that have a hash in their name, such as `app.3f9a1c42.js`.
        pub immutable_max_age: Seconds = Seconds::new(31_536_000),
        /// Beginnings of paths whose files are named by their content in another way, such as `["/assets/"]`.
        pub immutable_paths: Vec<String> = Vec::new(),
        /// Memory for files that are served often.
        pub memory: Size = Size(32_000_000),
        /// How long a file is served from memory before the disk is asked whether it has changed.
        pub recheck: Seconds = Seconds::new(1),
    }
    validate(this) {
        if this.web_dir.is_empty() {
            return Err(("web_dir", "an empty path would serve the whole project folder".into()));
        }
        http::HeaderValue::from_str(&this.cache_control)
            .map(drop)
            .map_err(|_| ("cache_control", format!("{:?} cannot stand in a header", this.cache_control)))
    }
}
