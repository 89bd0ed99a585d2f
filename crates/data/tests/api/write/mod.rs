mod delete;
mod insert;
mod update;
mod upsert;
