//! The command line. `--help` is where people learn it, so every option says what it does and what it defaults to.

use clap::{Args, Parser, Subcommand};
use mainstay_kernel::config::Seconds;
use std::path::PathBuf;

/// The backend your app leans on: sign-in, a REST API over PostgreSQL, and your web front end. One process on this
/// machine, a complete architecture on Kubernetes, from the same project folder.
///
/// Start with `mainstay init my-app`, then `mainstay up my-app`; later `mainstay image my-app` and `mainstay deploy my-app`.
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
        /// Look at the cluster instead of this machine.
        #[arg(long)]
        cluster: bool,
        #[command(flatten)]
        target: Target,
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
    /// Check Kubernetes objects against each other: the project's own, or any files.
    Lint(Lint),
    /// Say what `deploy` would change on the cluster. Exit codes: 0 nothing, 1 something, 2 it cannot be told.
    Diff(Diff),
    /// Bring the cluster to what the project describes, phase by phase, and wait until it works.
    Deploy(Deploy),
    /// Remove the project from the cluster. Data stays unless told otherwise.
    Destroy(Destroy),
    /// Go back to an earlier release.
    Rollback(Rollback),
    /// Show the logs of the project's pods.
    Logs(Logs),
    /// Open the project on the cluster: print its addresses, or lead a port of this machine to it.
    Open(Open),
    /// Build a container image of the project, without a container engine.
    Image(Image),
    /// Check that this machine has what a project needs, and say what is missing.
    Doctor {
        #[command(flatten)]
        project: Project,
        /// Look at the cluster instead: what it lacks, and what will do nothing without it.
        #[arg(long)]
        cluster: bool,
        #[command(flatten)]
        target: Target,
        /// Print JSON (with --cluster).
        #[arg(long)]
        json: bool,
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

/// Which cluster, and with which image.
#[derive(Debug, Clone, Args)]
pub(crate) struct Target {
    /// Context of the kubeconfig [default: the current one].
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// Kubeconfig file [default: KUBECONFIG, or ~/.kube/config].
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Namespace in place of the project's own.
    #[arg(long)]
    pub(crate) namespace: Option<String>,
    /// Image of the roles in place of the project's own.
    #[arg(long)]
    pub(crate) image: Option<String>,
}

/// What `render` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A tree of YAML files, one object each.
    Yaml,
    /// A base, components and overlays for `kubectl kustomize`.
    Kustomize,
    /// A Helm chart.
    Helm,
}

/// How `render --picture` draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Picture {
    /// A drawing for a browser or a page.
    Svg,
    /// A drawing for a terminal.
    Text,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(flatten)]
    pub(crate) project: Project,
    /// Folder to write to; without it everything goes to standard output as one stream.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What to write.
    #[arg(long, value_enum, default_value = "yaml")]
    pub(crate) format: Format,
    /// Write nothing; fail when the files in --out are not what would be written.
    #[arg(long, requires = "out")]
    pub(crate) check: bool,
    /// Print the table of pods, CPU and memory instead.
    #[arg(long, conflicts_with_all = ["out", "picture", "secrets"])]
    pub(crate) summary: bool,
    /// Print the table as JSON.
    #[arg(long, requires = "summary")]
    pub(crate) json: bool,
    /// Print a picture of the architecture instead.
    #[arg(long, value_enum, conflicts_with_all = ["out", "secrets"])]
    pub(crate) picture: Option<Picture>,
    /// Print Secrets with newly generated values instead, for those who do not use `deploy`. Never commit them.
    #[arg(long, conflicts_with = "out")]
    pub(crate) secrets: bool,
    /// Image of the roles in place of the project's own.
    #[arg(long)]
    pub(crate) image: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Files, folders, `-` for standard input, or project folders [default: the project in this folder].
    pub(crate) paths: Vec<PathBuf>,
    /// Warnings fail too.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Codes to leave out, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    pub(crate) ignore: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the list of all checks as Markdown.
    #[arg(long)]
    pub(crate) checks: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Do not show the plan and ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Show the plan (the server tries every object) and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not wait for anything to become ready.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Longest time to wait, all phases together.
    #[arg(long, default_value = "10m", value_parser = duration)]
    pub(crate) timeout: Seconds,
    /// Go back to the last good release when something fails.
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) atomic: bool,
    /// Leave what the project no longer has.
    #[arg(long)]
    pub(crate) no_prune: bool,
    /// Go on with a version of Kubernetes that is older than any this was made for.
    #[arg(long)]
    pub(crate) any_version: bool,
    /// Use a namespace that exists and is not ours.
    #[arg(long)]
    pub(crate) adopt_namespace: bool,
    /// Take fields from another field manager: `Kind/name`, or a field path such as `.spec.replicas`. May be repeated.
    #[arg(long, value_name = "WHAT")]
    pub(crate) take_ownership: Vec<String>,
    /// Generate a Secret's values anew and restart what reads them: `secret`, or `secret/KEY`. May be repeated.
    #[arg(long, value_name = "SECRET")]
    pub(crate) rotate: Vec<String>,
    /// Certificate chain (PEM) for `[tls] mode = "manual"`, in place of a self-signed one.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key (PEM) of that certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Print events and the outcome as JSON lines.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Remove volumes, generated Secrets and the namespace too. There is no way back.
    #[arg(long)]
    pub(crate) delete_data: bool,
    /// Do not ask. With --delete-data the name of the project must be given: `--yes budget-app`.
    #[arg(long, value_name = "PROJECT", num_args = 0..=1, default_missing_value = "")]
    pub(crate) yes: Option<String>,
    /// Longest time to wait for everything to be gone.
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Seconds,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Number of the release [default: the last good one before the current].
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u32>,
    /// List the releases and change nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Do not wait for anything to become ready.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Component, such as `gateway` or `postgres` [default: all of the project].
    pub(crate) component: Option<String>,
    #[command(flatten)]
    pub(crate) project: ProjectFlags,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Go on as lines come.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only what is younger than this, such as `10m`.
    #[arg(long, value_parser = duration)]
    pub(crate) since: Option<Seconds>,
    /// Lines of each container's past.
    #[arg(long, default_value_t = 100)]
    pub(crate) tail: u32,
    /// Of the run before the last restart.
    #[arg(long)]
    pub(crate) previous: bool,
}

/// How `open` gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Via {
    /// A port of this machine, through the API server; works always.
    PortForward,
    /// A port of every node.
    Nodeport,
    /// The host name of the Ingress.
    Ingress,
    /// The address of the load balancer.
    Loadbalancer,
}

#[derive(Debug, Args)]
pub(crate) struct Open {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) target: Target,
    /// How to get in [default: print every address; port-forward when there is none].
    #[arg(long, value_enum)]
    pub(crate) via: Option<Via>,
    /// Component to lead to with port-forward, such as `grafana` [default: the gateway].
    #[arg(long)]
    pub(crate) component: Option<String>,
    /// Port of this machine for port-forward.
    #[arg(long, default_value_t = 8889)]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Image {
    #[command(flatten)]
    pub(crate) project: Project,
    /// Name and tag [default: what the project's objects name].
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Archive to write [default: PROJECT-image.tar].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON: reference, digest, id, size, architecture, layers.
    #[arg(long)]
    pub(crate) json: bool,
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
    /// Print the reference of all alerts as Markdown.
    Alerts,
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
