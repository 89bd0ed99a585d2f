//! The body, aggregated by PostgreSQL: no row is looked at on the way out.

use super::snippet::Sql;
use crate::catalog::Returns;
use crate::plan::BodyBuilder;
use crate::request::media::Nulls;

/// The body of a table's rows.
pub(super) fn rows(sql: &mut Sql, builder: BodyBuilder) {
    build(sql, builder, "json_agg(_postgrest_t)", "'[]'");
}

/// The body of a function's result: a single value or row is no list, and values have no column name.
pub(super) fn result(sql: &mut Sql, builder: BodyBuilder, returns: &Returns) {
    let builder = match returns {
        Returns::Void => BodyBuilder::Omitted,
        _ => builder,
    };
    match (builder, returns) {
        (_, Returns::SetOfScalar) => build(sql, builder, "json_agg(_postgrest_t.pgrst_scalar)", "'[]'"),
        (BodyBuilder::Array(nulls) | BodyBuilder::Object(nulls), Returns::Scalar) => {
            build(sql, BodyBuilder::Object(nulls), "json_agg(_postgrest_t.pgrst_scalar)", "'null'");
        }
        (BodyBuilder::Array(nulls), Returns::Composite(_)) => {
            build(sql, BodyBuilder::Object(nulls), "json_agg(_postgrest_t)", "'null'");
        }
        _ => rows(sql, builder),
    }
}

fn build(sql: &mut Sql, builder: BodyBuilder, aggregate: &'static str, empty: &'static str) {
    match builder {
        BodyBuilder::Omitted => {
            sql.raw("''::text");
        }
        BodyBuilder::Array(nulls) => {
            sql.raw("coalesce(");
            stripped(sql, nulls, aggregate, "");
            sql.raw(", ").raw(empty).raw(")");
        }
        BodyBuilder::Object(nulls) => {
            sql.raw("coalesce(");
            stripped(sql, nulls, aggregate, "->0");
            sql.raw(", 'null')");
        }
        // the header is the first row's keys; without a row there is none
        BodyBuilder::Csv => {
            sql.raw(
                "(SELECT coalesce(string_agg(a.k, ','), '') FROM (SELECT json_object_keys(r)::text AS k FROM \
                 (SELECT row_to_json(hh) AS r FROM pgrst_source AS hh LIMIT 1) s) a) || E'\\n' || \
                 coalesce(string_agg(substring(_postgrest_t::text, 2, length(_postgrest_t::text) - 2), E'\\n'), '')",
            );
        }
        BodyBuilder::GeoJson => {
            sql.raw(
                "json_build_object('type', 'FeatureCollection', 'features', \
                 coalesce(json_agg(ST_AsGeoJSON(_postgrest_t)::json), '[]'))",
            );
        }
    }
}

fn stripped(sql: &mut Sql, nulls: Nulls, aggregate: &'static str, pick: &'static str) {
    match nulls {
        Nulls::Kept => sql.raw(aggregate).raw(pick),
        Nulls::Stripped => sql.raw("json_strip_nulls(").raw(aggregate).raw(pick).raw(")"),
    };
}
