//! Where the database is and how to log in: `postgresql://user:password@host:port/database?sslmode=…`.
//!
//! The URL form is libpq's (PostgreSQL documentation, section "Connection URIs"); the parameters understood are `host`
//! (a directory means a Unix socket), `port`, `user`, `password`, `dbname`, `sslmode`, `sslrootcert`,
//! `application_name` and `connect_timeout`.

use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use std::time::Duration;

/// Everything needed to open a connection. `Debug` does not show the password.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Host name, address, or directory of a Unix socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Role to log in as.
    pub user: String,
    /// Its password.
    pub password: Option<SecretString>,
    /// Database.
    pub database: String,
    /// When to encrypt.
    pub ssl_mode: SslMode,
    /// PEM file with the certificate authorities to trust instead of the public ones.
    pub ssl_root_cert: Option<PathBuf>,
    /// Name shown in `pg_stat_activity`.
    pub application_name: String,
    /// Time to connect and log in.
    pub connect_timeout: Duration,
}

/// When to encrypt the connection; names and meaning are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// When the server can; no check of its certificate.
    Prefer,
    /// Always; no check of its certificate.
    Require,
    /// Always, and the certificate must be from a trusted authority and for this host.
    VerifyFull,
}

impl ConnectOptions {
    /// Reads a connection URL.
    ///
    /// # Errors
    /// A sentence that never repeats the URL, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        // libpq allows an empty host (a socket named by `host=`), URLs do not
        let text = text.replacen("@/", "@localhost/", 1).replacen("@:", "@localhost:", 1);
        let url = url::Url::parse(&text)
            .map_err(|e| format!("not a database URL ({e}); write postgresql://user:password@host:5432/database"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(format!("`{}` is not a PostgreSQL URL; it must begin with postgresql://", url.scheme()));
        }
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8()
                .map(|t| t.into_owned())
                .map_err(|_| "not UTF-8".to_owned())
        };
        let mut options = Self {
            host: decode(url.host_str().unwrap_or_default())?,
            port: url.port().unwrap_or(5432),
            user: decode(url.username())?,
            password: url.password().map(decode).transpose()?.map(Into::into),
            database: decode(url.path().trim_start_matches('/'))?,
            ssl_mode: SslMode::Prefer,
            ssl_root_cert: None,
            application_name: "mainstay".to_owned(),
            connect_timeout: Duration::from_secs(5),
        };
        for (name, value) in url.query_pairs() {
            options.set(&name, &value)?;
        }
        if options.host.is_empty() {
            options.host = "127.0.0.1".to_owned();
        }
        options.host = options.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if options.user.is_empty() {
            return Err(
                "the database URL names no user; write postgresql://user:password@host:5432/database".to_owned()
            );
        }
        if options.database.is_empty() {
            options.database.clone_from(&options.user);
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "host" => value.clone_into(&mut self.host),
            "port" => self.port = value.parse().map_err(|_| format!("port {value:?} is not a number"))?,
            "user" => value.clone_into(&mut self.user),
            "password" => self.password = Some(value.to_owned().into()),
            "dbname" => value.clone_into(&mut self.database),
            "application_name" => value.clone_into(&mut self.application_name),
            "sslrootcert" => self.ssl_root_cert = Some(value.into()),
            "connect_timeout" => {
                let seconds = value.parse().map_err(|_| format!("connect_timeout {value:?} is not a number"))?;
                self.connect_timeout = Duration::from_secs(seconds);
            }
            "sslmode" => {
                self.ssl_mode = match value {
                    "disable" => SslMode::Disable,
                    "allow" | "prefer" => SslMode::Prefer,
                    "require" => SslMode::Require,
                    "verify-ca" | "verify-full" => SslMode::VerifyFull,
                    _ => {
                        return Err(format!(
                            "sslmode {value:?} is unknown; use disable, prefer, require or verify-full"
                        ));
                    }
                };
            }
            // libpq has many more; those that do not change what we do are accepted
            _ => {}
        }
        Ok(())
    }

    /// The same server and database with another login.
    #[must_use]
    pub fn as_user(&self, user: &str, password: SecretString) -> Self {
        Self { user: user.to_owned(), password: Some(password), ..self.clone() }
    }

    /// The same server and login with another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// True when `host` is the directory of a Unix socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// The connection URL, password included. For `keys` and for child processes' environments; never log it.
    #[must_use]
    pub fn url(&self) -> SecretString {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let password = self.password.as_ref().map(|p| format!(":{}", encode(p.expose_secret()))).unwrap_or_default();
        let (user, database) = (encode(&self.user), encode(&self.database));
        let ssl = match self.ssl_mode {
            SslMode::Disable => Some("sslmode=disable"),
            SslMode::Prefer => None,
            SslMode::Require => Some("sslmode=require"),
            SslMode::VerifyFull => Some("sslmode=verify-full"),
        };
        let root = self.ssl_root_cert.as_ref().map(|path| format!("sslrootcert={}", encode(&path.to_string_lossy())));
        let socket = self.is_socket().then(|| format!("host={}", encode(&self.host)));
        let query: Vec<String> = [socket, ssl.map(str::to_owned), root].into_iter().flatten().collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let host = match &self.host {
            _ if self.is_socket() => "localhost".to_owned(),
            host if host.contains(':') => format!("[{host}]"),
            host => host.clone(),
        };
        format!("postgresql://{user}{password}@{host}:{}/{database}{query}", self.port).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written() {
        for url in [
            "postgresql://a:p%40ss@db.example.com:6000/app?sslmode=require",
            "postgresql://a@127.0.0.1:5432/a",
            "postgresql://a:x@[::1]:5432/b",
        ] {
            let options = ConnectOptions::parse(url).unwrap();
            assert_eq!(options.url().expose_secret(), url);
        }
        let socket = ConnectOptions::parse("postgresql://me:x@/app?host=/run/pg&port=54322").unwrap();
        assert_eq!((socket.host.as_str(), socket.port, socket.is_socket()), ("/run/pg", 54322, true));
        let again = ConnectOptions::parse(socket.url().expose_secret()).unwrap();
        assert_eq!((again.host, again.port, again.database), ("/run/pg".into(), 54322, "app".into()));
    }

    #[test]
    fn refusals_never_repeat_the_url() {
        for url in [
            "mysql://u:geheim@h/d",
            "u:geheim@h",
            "postgresql://:geheim@h/d",
            "postgresql://u:geheim@h/d?sslmode=maybe",
        ] {
            let problem = ConnectOptions::parse(url).unwrap_err();
            assert!(!problem.contains("geheim"), "{problem}");
        }
        assert!(!format!("{:?}", ConnectOptions::parse("postgresql://u:geheim@h/d")).contains("geheim"));
    }
}
