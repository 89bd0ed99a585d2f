//! The command line. `--help` is where people learn it, so every option says what it does and what it defaults to.

use clap::{Args, Parser, Subcommand};
use mainstay_kernel::config::Seconds;
use std::path::PathBuf;

/// The backend your app leans on: sign-in, a REST API over PostgreSQL, and your web front end, in one process.
///
/// Start with `mainstay init my-app`, then `mainstay up my-app`.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new project folder with a first table, its policies and a page.
    Init {
        /// Folder to make; it must not hold a project yet.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Run a project on this machine: managed PostgreSQL and every role in one process.
    Up(Up),
    /// Run chosen roles against a database by URL: what containers run.
    Serve(Serve),
    /// Prepare the database and apply pending migrations, then exit.
    Migrate {
        #[command(flatten)]
        project: Project,
        /// Only show what is applied and what is pending.
        #[arg(long)]
        dry_run: bool,
        /// Wait this long for a database by URL to answer.
        #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = duration)]
        wait: Seconds,
    },
    /// Wait until the database lets the roles in: what init containers run.
    Wait(Wait),
    /// Say whether a project runs, where, and how it is doing.
    Status {
        #[command(flatten)]
        project: Project,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the project's URL, API keys and database URL (made on first use).
    Keys {
        #[command(flatten)]
        project: Project,
        /// Print JSON: url, anon_key, service_key, publishable_key, secret_key, database_url.
        #[arg(long)]
        json: bool,
    },
    /// Manage accounts.
    User {
        #[command(subcommand)]
        action: UserAction,
    },
    /// Show or check the configuration.
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// List the roles that `serve --roles` takes.
    Roles,
    /// Write the project as Kubernetes objects: a tree of YAML, a kustomization or a Helm chart.
    Render(Render),
    /// Check that this machine has what a project needs, and say what is missing.
    Doctor {
        #[command(flatten)]
        project: Project,
    },
    /// Print a shell completion script.
    Completions {
        /// Shell to complete for.
        shell: clap_complete::Shell,
    },
}

/// Which project.
#[derive(Debug, Clone, Args)]
pub(crate) struct Project {
    /// Project folder (the one with mainstay.toml).
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Folder for generated secrets and the managed database [default: DIR/.mainstay].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) project: Project,
    /// Port of the public address [default: 8889, or `[gateway] port`].
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Address to listen on [default: 127.0.0.1].
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Create the sample accounts of `[seed]` and run seed.sql.
    #[arg(long)]
    pub(crate) seed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) project: Project,
    /// Roles to run, separated by commas; `mainstay roles` lists them.
    #[arg(long, value_delimiter = ',', required = true, value_parser = clap::builder::PossibleValuesParser::new(role_names()))]
    pub(crate) roles: Vec<String>,
    /// Port to listen on [default: `[gateway] port` or PORT].
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Address to listen on [default: `[gateway] bind` or HOST].
    #[arg(long)]
    pub(crate) host: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    #[command(flatten)]
    pub(crate) project: Project,
    /// What to wait for.
    #[arg(long = "for", value_enum, default_value_t = WaitFor::Postgres)]
    pub(crate) what: WaitFor,
    /// Try the logins of these roles, separated by commas [default: every configured URL].
    #[arg(long, value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(role_names()))]
    pub(crate) roles: Vec<String>,
    /// Give up after this long.
    #[arg(long, default_value = "300s", value_parser = duration)]
    pub(crate) timeout: Seconds,
    /// Pause between two attempts.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub(crate) every: Seconds,
}

/// What `wait` can wait for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum WaitFor {
    /// PostgreSQL lets every login in.
    Postgres,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(flatten)]
    pub(crate) project: Project,
    /// Folder to write to; without it everything goes to standard output as one stream.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Create a confirmed account.
    Add {
        /// E-mail address.
        email: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        project: ProjectFlags,
    },
    /// List accounts, newest first.
    List {
        #[command(flatten)]
        project: ProjectFlags,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Set an account's password and end its sessions.
    SetPassword {
        /// E-mail address.
        email: String,
        #[command(flatten)]
        password: PasswordSource,
        #[command(flatten)]
        project: ProjectFlags,
    },
}

/// Where a password comes from: never from the command line, which other processes can read.
#[derive(Debug, Clone, Args)]
pub(crate) struct PasswordSource {
    /// Read the password from this environment variable; without it, from the first line of standard input.
    #[arg(long, value_name = "NAME")]
    pub(crate) password_env: Option<String>,
}

/// Which project, as flags (where a position would be ambiguous).
#[derive(Debug, Clone, Args)]
pub(crate) struct ProjectFlags {
    /// Project folder.
    #[arg(long, default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Folder for generated secrets and the managed database [default: DIR/.mainstay].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Check the configuration and say what is wrong.
    Check {
        #[command(flatten)]
        project: Project,
    },
    /// Show every value in force and where it came from; secrets are masked.
    Show {
        #[command(flatten)]
        project: Project,
    },
    /// Print the reference of all keys as Markdown.
    Reference,
    /// Print the reference of all public error codes as Markdown.
    Errors,
}

fn role_names() -> impl Iterator<Item = &'static str> {
    crate::roles::ROLES.iter().map(|role| role.name)
}

fn duration(text: &str) -> Result<Seconds, String> {
    Seconds::parse(text).ok_or_else(|| "write for example 30, 30s or 5m".to_owned())
}

impl From<ProjectFlags> for Project {
    fn from(flags: ProjectFlags) -> Self {
        Self { dir: flags.dir, data_dir: flags.data_dir }
    }
}
