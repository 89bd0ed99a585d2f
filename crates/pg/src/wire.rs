//! One connection to PostgreSQL: start-up, authentication, and the pipeline.
//!
//! Message codecs and SCRAM come from `postgres-protocol`; this file decides which messages are sent and in what order.
//! Source: PostgreSQL documentation, chapter "Frontend/Backend Protocol", sections "Message Flow" and "Pipelining".

use crate::stream::Stream;
use crate::{Column, ConnectOptions, DbError, Error, Reuse, Row, Rows, SslMode, Statement};
use bytes::{Bytes, BytesMut};
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::IsNull;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::backend::{ErrorFields, Message, RowDescriptionBody};
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Prepared statements kept per connection.
const KEPT_STATEMENTS: usize = 256;

/// A connection. Not shared: whoever holds it is the only one to talk on it.
pub struct Connection {
    stream: Stream,
    incoming: BytesMut,
    outgoing: BytesMut,
    statements: HashMap<Box<str>, Kept>,
    names_given: u64,
    clock: u64,
    status: Status,
    cancel: CancelKey,
}

/// What is needed to ask the server to stop a running statement.
#[derive(Debug, Clone)]
pub(crate) struct CancelKey {
    options: Arc<ConnectOptions>,
    process: i32,
    secret: i32,
}

/// Where a connection stands between exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Outside any transaction: may be lent again.
    Idle,
    /// Inside a transaction.
    InTransaction,
    /// An exchange was begun and has not ended.
    Busy,
}

struct Kept {
    name: String,
    columns: Arc<[Column]>,
    used: u64,
}

/// How one statement of a pipeline was sent, hence which answers to expect.
enum Sent {
    Known(Arc<[Column]>),
    New { name: String },
    Unnamed,
}

impl Connection {
    /// Connects and logs in within `connect_timeout`.
    ///
    /// # Errors
    /// [`Error::Connect`] when there is no server, [`Error::Db`] when it refuses the login.
    pub async fn open(options: &Arc<ConnectOptions>) -> Result<Self, Error> {
        tokio::time::timeout(options.connect_timeout, Self::open_unbounded(options))
            .await
            .map_err(|_| Error::Connect(format!("no answer within {:?}", options.connect_timeout)))?
    }

    async fn open_unbounded(options: &Arc<ConnectOptions>) -> Result<Self, Error> {
        let stream = dial(options).await?;
        let mut connection = Self {
            stream,
            incoming: BytesMut::with_capacity(16 * 1024),
            outgoing: BytesMut::with_capacity(4 * 1024),
            statements: HashMap::new(),
            names_given: 0,
            clock: 0,
            status: Status::Busy,
            cancel: CancelKey { options: options.clone(), process: 0, secret: 0 },
        };
        connection.log_in(options).await.map_err(|error| match error {
            Error::Closed(reason) => Error::Connect(reason),
            other => other,
        })?;
        Ok(connection)
    }

    /// Sends all statements with one Sync and reads all results: one implicit transaction, one round trip.
    ///
    /// If any statement fails, none of them took effect and the error says which one it was. Inside an explicit
    /// transaction (a `begin` that was sent earlier) the transaction stays open instead, or aborted after an error.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pipeline(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Rows>, Error> {
        self.outgoing.clear();
        let sent = self.encode(statements)?;
        frontend::sync(&mut self.outgoing);
        self.status = Status::Busy;
        self.stream.write_all(&self.outgoing).await?;
        self.outgoing.clear();
        let mut results = Vec::with_capacity(statements.len());
        let mut failure = None;
        for (index, (statement, sent)) in statements.iter().zip(sent).enumerate() {
            match self.read_result(statement, sent).await {
                Ok(rows) => results.push(rows),
                Err(Error::Db(mut error)) => {
                    error.statement = index;
                    failure = Some(error);
                    break;
                }
                Err(other) => return Err(other),
            }
        }
        // an error may also come at the Sync itself: deferred constraints are checked at commit
        self.read_ready(&mut failure).await?;
        failure.map_or(Ok(results), |error| Err(Error::Db(error)))
    }

    /// Runs a script of any number of statements by the simple protocol; results are dropped.
    ///
    /// # Errors
    /// See [`Error`]; `statement` in the report counts the statements that were completed.
    pub async fn batch(&mut self, script: &str) -> Result<(), Error> {
        self.outgoing.clear();
        frontend::query(script, &mut self.outgoing).map_err(|e| Error::Protocol(e.to_string()))?;
        self.status = Status::Busy;
        self.stream.write_all(&self.outgoing).await?;
        self.outgoing.clear();
        let mut completed = 0;
        let mut failure: Option<Box<DbError>> = None;
        loop {
            match self.read_message().await? {
                Message::CommandComplete(_) => completed += 1,
                Message::ErrorResponse(body) => {
                    let mut error = DbError::read(body.fields());
                    error.statement = completed;
                    failure = Some(Box::new(error));
                }
                Message::ReadyForQuery(body) => {
                    self.status = status_of(body.status());
                    return failure.map_or(Ok(()), |error| Err(Error::Db(error)));
                }
                Message::CopyInResponse(_) => {
                    frontend::copy_fail("COPY FROM STDIN is not possible here", &mut self.outgoing)?;
                    self.stream.write_all(&self.outgoing.split()).await?;
                }
                _ => {}
            }
        }
    }

    /// Forgets all prepared statements, here and on the server.
    pub(crate) async fn forget_statements(&mut self) -> Result<(), Error> {
        self.statements.clear();
        self.batch("deallocate all").await
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    pub(crate) fn cancel_key(&self) -> CancelKey {
        self.cancel.clone()
    }

    /// True when nothing has arrived since the last exchange, hence the server has not hung up either.
    pub(crate) fn is_quiet(&self) -> bool {
        self.incoming.is_empty() && self.stream.is_quiet()
    }

    pub(crate) async fn next_notification(&mut self) -> Result<(String, String), Error> {
        loop {
            if let Some(found) = self.read_raw().await?
                && let Message::NotificationResponse(body) = found
            {
                return Ok((body.channel()?.to_owned(), body.message()?.to_owned()));
            }
        }
    }

    fn encode(&mut self, statements: &[Statement<'_>]) -> Result<Vec<Sent>, Error> {
        let mut sent = Vec::with_capacity(statements.len());
        for statement in statements {
            let how = self.encode_parse(statement)?;
            let name = match &how {
                Sent::Known(_) => self.statements.get(&*statement.sql).map_or("", |kept| kept.name.as_str()),
                Sent::New { name } => name,
                Sent::Unnamed => "",
            };
            encode_bind(name, &statement.params, &mut self.outgoing)?;
            if matches!(how, Sent::Unnamed) {
                frontend::describe(b'P', "", &mut self.outgoing)?;
            }
            frontend::execute("", 0, &mut self.outgoing)?;
            sent.push(how);
        }
        Ok(sent)
    }

    fn encode_parse(&mut self, statement: &Statement<'_>) -> Result<Sent, Error> {
        let parse = |name: &str, out: &mut BytesMut| {
            frontend::parse(name, &statement.sql, [], out).map_err(|e| Error::Protocol(e.to_string()))
        };
        if statement.reuse == Reuse::Once {
            parse("", &mut self.outgoing)?;
            return Ok(Sent::Unnamed);
        }
        self.clock += 1;
        if let Some(kept) = self.statements.get_mut(&*statement.sql) {
            kept.used = self.clock;
            return Ok(Sent::Known(kept.columns.clone()));
        }
        if self.statements.len() >= KEPT_STATEMENTS
            && let Some(oldest) = self.statements.iter().min_by_key(|(_, kept)| kept.used).map(|(sql, _)| sql.clone())
            && let Some(kept) = self.statements.remove(&oldest)
        {
            frontend::close(b'S', &kept.name, &mut self.outgoing)?;
        }
        self.names_given += 1;
        let name = format!("m{}", self.names_given);
        parse(&name, &mut self.outgoing)?;
        frontend::describe(b'S', &name, &mut self.outgoing)?;
        Ok(Sent::New { name })
    }

    async fn read_result(&mut self, statement: &Statement<'_>, sent: Sent) -> Result<Rows, Error> {
        let mut new_name = None;
        let mut rows = match sent {
            Sent::Known(columns) => Rows { columns, ..Rows::default() },
            Sent::New { name } => {
                new_name = Some(name);
                Rows::default()
            }
            Sent::Unnamed => Rows::default(),
        };
        loop {
            let described = match self.read_message().await? {
                Message::RowDescription(body) => {
                    rows.columns = read_columns(&body)?;
                    true
                }
                Message::NoData => true,
                Message::DataRow(body) => {
                    let buffer = body.buffer_bytes();
                    let row = body.ranges().map(|range| Ok(range.map(|range| buffer.slice(range)))).collect()?;
                    rows.rows.push(Row(row));
                    false
                }
                Message::CommandComplete(body) => {
                    rows.tag = body.tag()?.to_owned();
                    return Ok(rows);
                }
                Message::EmptyQueryResponse => return Ok(rows),
                Message::ErrorResponse(body) => return Err(Error::Db(Box::new(DbError::read(body.fields())))),
                Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                    return Err(Error::Protocol("COPY cannot be part of a pipeline".to_owned()));
                }
                Message::ReadyForQuery(_) => return Err(Error::Protocol("the answer ended early".to_owned())),
                _ => false,
            };
            if described && let Some(name) = new_name.take() {
                self.clock += 1;
                let kept = Kept { name, columns: rows.columns.clone(), used: self.clock };
                self.statements.insert(statement.sql.as_ref().into(), kept);
            }
        }
    }

    async fn read_ready(&mut self, failure: &mut Option<Box<DbError>>) -> Result<(), Error> {
        loop {
            match self.read_message().await? {
                Message::ReadyForQuery(body) => {
                    self.status = status_of(body.status());
                    return Ok(());
                }
                Message::ErrorResponse(body) => *failure = Some(Box::new(DbError::read(body.fields()))),
                _ => {}
            }
        }
    }

    /// The next message that is an answer; asynchronous ones are dropped.
    async fn read_message(&mut self) -> Result<Message, Error> {
        loop {
            match self.read_raw().await? {
                Some(Message::NoticeResponse(body)) => log_notice(body.fields()),
                Some(Message::NotificationResponse(_) | Message::ParameterStatus(_)) | None => {}
                Some(message) => return Ok(message),
            }
        }
    }

    async fn read_raw(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if let Some(message) = Message::parse(&mut self.incoming)? {
                return Ok(Some(message));
            }
            self.incoming.reserve(8 * 1024);
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(Error::Closed("the server closed the connection".to_owned()));
            }
        }
    }

    async fn log_in(&mut self, options: &ConnectOptions) -> Result<(), Error> {
        let parameters = [
            ("user", options.user.as_str()),
            ("database", options.database.as_str()),
            ("application_name", options.application_name.as_str()),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO"),
        ];
        frontend::startup_message(parameters, &mut self.outgoing)?;
        self.flush().await?;
        let password = options.password.as_ref().map(|p| p.expose_secret().as_bytes().to_vec());
        let password = || {
            password
                .clone()
                .ok_or_else(|| Error::Connect("the server asks for a password; put one in the database URL".to_owned()))
        };
        loop {
            match self.read_message().await? {
                Message::AuthenticationOk => {}
                Message::AuthenticationCleartextPassword => {
                    frontend::password_message(&password()?, &mut self.outgoing)?;
                    self.flush().await?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(options.user.as_bytes(), &password()?, body.salt());
                    frontend::password_message(hash.as_bytes(), &mut self.outgoing)?;
                    self.flush().await?;
                }
                Message::AuthenticationSasl(_) => self.log_in_scram(&password()?).await?,
                Message::BackendKeyData(body) => {
                    (self.cancel.process, self.cancel.secret) = (body.process_id(), body.secret_key());
                }
                Message::ErrorResponse(body) => return Err(Error::Db(Box::new(DbError::read(body.fields())))),
                Message::ReadyForQuery(body) => {
                    self.status = status_of(body.status());
                    return Ok(());
                }
                _ => {
                    return Err(Error::Connect(
                        "the server asks for a way to log in that is not supported (use scram-sha-256)".to_owned(),
                    ));
                }
            }
        }
    }

    async fn log_in_scram(&mut self, password: &[u8]) -> Result<(), Error> {
        let mut scram = sasl::ScramSha256::new(password, sasl::ChannelBinding::unsupported());
        frontend::sasl_initial_response(sasl::SCRAM_SHA_256, scram.message(), &mut self.outgoing)?;
        self.flush().await?;
        let refused = |e: std::io::Error| Error::Connect(format!("SCRAM: {e}"));
        match self.read_message().await? {
            Message::AuthenticationSaslContinue(body) => scram.update(body.data()).map_err(refused)?,
            Message::ErrorResponse(body) => return Err(Error::Db(Box::new(DbError::read(body.fields())))),
            _ => return Err(Error::Protocol("SCRAM continuation expected".to_owned())),
        }
        frontend::sasl_response(scram.message(), &mut self.outgoing)?;
        self.flush().await?;
        match self.read_message().await? {
            Message::AuthenticationSaslFinal(body) => scram.finish(body.data()).map_err(refused),
            Message::ErrorResponse(body) => Err(Error::Db(Box::new(DbError::read(body.fields())))),
            _ => Err(Error::Protocol("SCRAM end expected".to_owned())),
        }
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let pending = self.outgoing.split();
        self.stream.write_all(&pending).await?;
        self.stream.flush().await?;
        Ok(())
    }
}

impl CancelKey {
    /// Asks the server to stop what the connection is doing. Best effort: the answer is the server's silence.
    pub(crate) async fn cancel(self) {
        if let Ok(mut stream) = dial(&self.options).await {
            let mut message = BytesMut::new();
            frontend::cancel_request(self.process, self.secret, &mut message);
            let _ = stream.write_all(&message).await;
            let _ = stream.shutdown().await;
        }
    }
}

async fn dial(options: &ConnectOptions) -> Result<Stream, Error> {
    let away = |e: std::io::Error| Error::Connect(e.to_string());
    if options.is_socket() {
        let path = format!("{}/.s.PGSQL.{}", options.host.trim_end_matches('/'), options.port);
        return Ok(Stream::Unix(UnixStream::connect(path).await.map_err(away)?));
    }
    let mut tcp = TcpStream::connect((options.host.as_str(), options.port)).await.map_err(away)?;
    tcp.set_nodelay(true).map_err(away)?;
    if options.ssl_mode == SslMode::Disable {
        return Ok(Stream::Tcp(tcp));
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    tcp.write_all(&request).await.map_err(away)?;
    match (tcp.read_u8().await.map_err(away)?, options.ssl_mode) {
        (b'S', _) => Ok(Stream::Tls(Box::new(crate::tls::encrypt(options, tcp).await?))),
        (_, SslMode::Prefer) => Ok(Stream::Tcp(tcp)),
        _ => Err(Error::Connect("sslmode asks for TLS and the server has none".to_owned())),
    }
}

fn encode_bind(name: &str, params: &[Option<Bytes>], out: &mut BytesMut) -> Result<(), Error> {
    let write = |param: &Option<Bytes>, out: &mut BytesMut| match param {
        Some(value) => {
            out.extend_from_slice(value);
            Ok(IsNull::No)
        }
        None => Ok(IsNull::Yes),
    };
    frontend::bind("", name, [], params, write, [], out).map_err(|error| match error {
        frontend::BindError::Conversion(e) => Error::Protocol(e.to_string()),
        frontend::BindError::Serialization(e) => Error::Protocol(e.to_string()),
    })
}

fn read_columns(body: &RowDescriptionBody) -> Result<Arc<[Column]>, Error> {
    let columns = body.fields().map(|field| Ok(Column { name: field.name().to_owned(), type_oid: field.type_oid() }));
    Ok(columns.collect::<Vec<_>>()?.into())
}

fn status_of(byte: u8) -> Status {
    if byte == b'I' { Status::Idle } else { Status::InTransaction }
}

fn log_notice(fields: ErrorFields<'_>) {
    let notice = DbError::read(fields);
    tracing::debug!(severity = notice.severity, code = notice.code, "{}", notice.message);
}
