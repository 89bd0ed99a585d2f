//! The pipeline, the pool, migrations and the bootstrap against a real PostgreSQL.

mod bootstrap;
mod migrations;
mod pipeline;
