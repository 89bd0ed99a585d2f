use crate::elf::ElfProblem;
use std::path::{Path, PathBuf};

/// Why an image cannot be made. Every sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The name of the image does not follow the grammar of references.
    #[error(
        "`{tag}` is no name of an image: {problem}; write it like `budget-app:1.0` or `registry.example.com/team/budget-app:1.0`"
    )]
    Reference {
        /// What was given.
        tag: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The binary cannot run in a Linux container.
    #[error("{path}: {problem}", path = .path.display())]
    Binary {
        /// The binary.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: ElfProblem,
    },
    /// A shared library that the binary needs is not on this machine.
    #[error(
        "`{name}`, which {needed_by} needs, is in none of {searched}; build the image on the machine that built the binary, or with the Dockerfile"
    )]
    Library {
        /// Name of the library.
        name: String,
        /// What needs it.
        needed_by: String,
        /// Where it was looked for.
        searched: String,
    },
    /// A folder that is no project.
    #[error("{} has no mainstay.toml; name the project's folder", .0.display())]
    NoProject(PathBuf),
    /// A symbolic link that would lead out of the image.
    #[error("{link} leads to {target}, which is not in the image; replace the link with a copy, or remove it", link = .link.display(), target = .target.display())]
    Link {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Something that is neither file, folder nor link.
    #[error("{} is a socket, a pipe or a device and cannot be in an image; remove it", .0.display())]
    Special(PathBuf),
    /// More than an image of a project should hold.
    #[error("{project} holds more than {limit}; move what is no part of the project out of it, or into a folder whose name begins with a dot", project = .project.display())]
    TooMuch {
        /// The project.
        project: PathBuf,
        /// The limit that was passed.
        limit: String,
    },
    /// A file that changed between being measured and being written.
    #[error("{} changed while the image was made; try again when nothing writes to it", .0.display())]
    Changed(PathBuf),
    /// A file or folder that cannot be read.
    #[error("{path} cannot be read: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The archive cannot be written.
    #[error("{path} cannot be written: {source}", path = .path.display())]
    Write {
        /// The archive.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// `SOURCE_DATE_EPOCH` is no date.
    #[error("SOURCE_DATE_EPOCH is `{0}`; it must be a number of seconds since 1970")]
    Epoch(String),
    /// An entry that the tar format cannot hold, or a document that cannot be written as JSON.
    #[error("the image cannot be put together: {0}")]
    Format(String),
}

impl ImageError {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }
}
