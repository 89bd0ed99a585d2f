//! One transaction. The only stage with I/O.
//!
//! Most requests are one pipeline with one Sync: settings, pre-request and main statement are one implicit
//! transaction and one round trip. Requests whose result may yet condemn them run between `begin` and `commit`.

use bytes::Bytes;
use mainstay_pg::{Conn, Pool, Reuse, Row, Rows, Statement};

use crate::error::{ExecError, RequestError};
use crate::plan::{Counting, Plan, TxMode};
use crate::request::ApiRequest;
use crate::request::media::MediaType;
use crate::request::prefer::Transaction;
use crate::request::target::Mutation;
use crate::sql::{Sql, Statements, column};

/// What the database answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) total: Option<i64>,
    pub(crate) page: i64,
    /// Key and `eq.value` pairs of the one inserted row.
    pub(crate) location: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) headers: Option<String>,
    pub(crate) status: Option<String>,
    /// Rows inserted by an upsert.
    pub(crate) inserted: Option<i64>,
}

/// What decides whether the transaction is kept once the result is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing can condemn it.
    Certain,
    /// The result is checked before it is committed.
    Checked,
    /// It is rolled back whatever the result (`tx=rollback`).
    RolledBack,
}

/// Runs the statements.
///
/// # Errors
/// The database's refusals, and checks of the result after which the transaction is rolled back.
pub(crate) async fn execute(
    pool: &Pool,
    statements: Statements,
    plan: &Plan,
    request: &ApiRequest,
    default_end: Transaction,
) -> Result<Outcome, ExecError> {
    let explained = statements.explain.is_some();
    let pipeline = pipeline(statements);
    let verdict = verdict(plan, request, default_end);
    let results = match verdict {
        Verdict::Certain => certain(pool, &pipeline, plan).await?,
        Verdict::Checked | Verdict::RolledBack => {
            return checked(pool, pipeline, explained, plan, request, verdict).await;
        }
    };
    let outcome = outcome(&results, explained, plan)?;
    check(&outcome, plan, request)?;
    Ok(outcome)
}

fn pipeline(statements: Statements) -> Vec<Statement<'static>> {
    let Statements { session, pre_request, main, explain } = statements;
    [Some(session), pre_request, Some(main), explain].into_iter().flatten().map(prepared).collect()
}

fn prepared(sql: Sql) -> Statement<'static> {
    let (text, params) = sql.into_parts();
    let mut statement = Statement::prepared(text);
    statement.params = params;
    statement
}

fn verdict(plan: &Plan, request: &ApiRequest, default_end: Transaction) -> Verdict {
    if plan.tx_mode() == TxMode::ReadOnly {
        return Verdict::Certain;
    }
    if request.prefer.transaction.unwrap_or(default_end) == Transaction::Rollback {
        return Verdict::RolledBack;
    }
    let single = matches!(plan.media(), MediaType::Object(_));
    let put = matches!(plan, Plan::Mutate(m) if m.mutation == Mutation::Upsert);
    if single || put || request.prefer.affected_limit().is_some() { Verdict::Checked } else { Verdict::Certain }
}

async fn certain(pool: &Pool, pipeline: &[Statement<'_>], plan: &Plan) -> Result<Vec<Rows>, mainstay_pg::Error> {
    match pool.run(pipeline).await {
        // a restart of the database kills idle connections; a read may simply be asked again
        Err(mainstay_pg::Error::Closed(_)) if plan.tx_mode() == TxMode::ReadOnly => pool.run(pipeline).await,
        other => other,
    }
}

async fn checked(
    pool: &Pool,
    mut pipeline: Vec<Statement<'static>>,
    explained: bool,
    plan: &Plan,
    request: &ApiRequest,
    verdict: Verdict,
) -> Result<Outcome, ExecError> {
    let mut connection = pool.get().await?;
    pipeline.insert(0, Statement::once("begin"));
    let mut results = connection.pipeline(&pipeline).await;
    if let Err(error) = &results {
        // the transaction is ours to end, and then the connection is good again
        end(&mut connection, "rollback").await?;
        if error.is_stale_plan() {
            pipeline.iter_mut().for_each(|statement| statement.reuse = Reuse::Once);
            results = connection.pipeline(&pipeline).await;
            if results.is_err() {
                end(&mut connection, "rollback").await?;
            }
        }
    }
    let results = results?;
    let judged = outcome(&results, explained, plan).and_then(|outcome| {
        check(&outcome, plan, request)?;
        Ok(outcome)
    });
    match (&judged, verdict) {
        (Ok(_), Verdict::Checked) => end(&mut connection, "commit").await?,
        (Ok(_), _) => {
            // deferred constraints speak at the end of a transaction, also of one that is not kept
            end(&mut connection, "set constraints all immediate").await?;
            end(&mut connection, "rollback").await?;
        }
        (Err(_), _) => end(&mut connection, "rollback").await?,
    }
    judged
}

async fn end(connection: &mut Conn, how: &'static str) -> Result<(), mainstay_pg::Error> {
    connection.pipeline(&[Statement::once(how)]).await.map(|_| ())
}

fn outcome(results: &[Rows], explained: bool, plan: &Plan) -> Result<Outcome, ExecError> {
    let (main, explain) = match (explained, results) {
        (true, [.., main, explain]) => (main, Some(explain)),
        (false, [.., main]) => (main, None),
        _ => return Err(ExecError::Internal("fewer results than statements".into())),
    };
    let mut outcome = match main.first() {
        Some(row) => read(row)?,
        None => Outcome { total: Some(0), ..Outcome::default() },
    };
    let counting = match plan {
        Plan::Read(plan) => plan.count,
        Plan::Call(plan) => plan.count,
        Plan::Mutate(_) | Plan::Describe(_) | Plan::Info(_) => Counting::None,
    };
    if let Some(estimate) = explain.and_then(estimate) {
        outcome.total = match (counting, outcome.total) {
            (Counting::Estimate, _) => Some(estimate),
            // the count stopped at its limit: there are more, the planner guesses how many
            (Counting::Both { limit: Some(limit) }, Some(counted)) if counted >= limit => Some(counted.max(estimate)),
            (_, total) => total,
        };
    }
    Ok(outcome)
}

fn read(row: &Row) -> Result<Outcome, ExecError> {
    let number = |i| row.text(i).and_then(|text| text.parse().ok());
    let location = match row.bytes(column::LOCATION) {
        Some(json) => serde_json::from_slice(json).map_err(|e| ExecError::Internal(e.to_string()))?,
        None => Vec::new(),
    };
    Ok(Outcome {
        total: number(column::TOTAL),
        page: number(column::PAGE).unwrap_or(0),
        location,
        body: row.bytes(column::BODY).cloned().unwrap_or_default(),
        headers: row.text(column::HEADERS).map(str::to_owned),
        status: row.text(column::STATUS).map(str::to_owned),
        inserted: number(column::INSERTED),
    })
}

/// `[{"Plan": {"Plan Rows": 42}}]`
fn estimate(explain: &Rows) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(rename = "Plan")]
        plan: Top,
    }
    #[derive(serde::Deserialize)]
    struct Top {
        #[serde(rename = "Plan Rows")]
        rows: f64,
    }
    let text: String = explain.rows.iter().filter_map(|row| row.text(0)).collect();
    let entries: Vec<Entry> = serde_json::from_str(&text).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "the planner's estimates are whole and saturate")]
    entries.first().map(|entry| entry.plan.rows as i64)
}

fn check(outcome: &Outcome, plan: &Plan, request: &ApiRequest) -> Result<(), ExecError> {
    if matches!(plan, Plan::Mutate(m) if m.mutation == Mutation::Upsert) {
        return match outcome.page {
            1 => Ok(()),
            _ => Err(ExecError::Check(RequestError::PutKeyMismatch)),
        };
    }
    if matches!(plan.media(), MediaType::Object(_)) && outcome.page != 1 {
        return Err(ExecError::Check(RequestError::Singular(outcome.page)));
    }
    let limited = match plan {
        Plan::Mutate(m) => matches!(m.mutation, Mutation::Update | Mutation::Delete),
        Plan::Call(_) => true,
        Plan::Read(_) | Plan::Describe(_) | Plan::Info(_) => false,
    };
    match request.prefer.affected_limit() {
        Some(limit) if limited && outcome.page > limit => {
            Err(ExecError::Check(RequestError::MaxAffected(outcome.page)))
        }
        _ => Ok(()),
    }
}
