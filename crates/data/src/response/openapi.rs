//! The root document: Swagger 2.0 of one schema, from the catalog.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::catalog::{Catalog, Column, Parameter, Routine, Table, Volatility};

/// Describes the tables and functions of `schema`.
pub(crate) fn document(catalog: &Catalog, schema: &str) -> Bytes {
    let mut tables: Vec<&Table> = catalog.tables().filter(|t| t.name.schema == schema).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let mut routines: BTreeMap<&str, &Routine> = BTreeMap::new();
    for routine in catalog.routines().filter(|r| r.name.schema == schema) {
        routines.entry(&routine.name.name).or_insert(routine);
    }
    let mut paths = Map::new();
    paths.insert("/".into(), json!({ "get": { "tags": ["Introspection"], "summary": "OpenAPI description (this document)", "produces": ["application/openapi+json", "application/json"], "responses": { "200": { "description": "OK" } } } }));
    for table in &tables {
        paths.insert(format!("/{}", table.name.name), table_path(table));
    }
    for (name, routine) in &routines {
        paths.insert(format!("/rpc/{name}"), routine_path(routine));
    }
    let definitions: Map<_, _> = tables.iter().map(|t| (t.name.name.clone(), definition(t))).collect();
    json!({
        "swagger": "2.0",
        "info": { "title": "standard public schema", "description": "", "version": env!("CARGO_PKG_VERSION") },
        "schemes": ["http"],
        "basePath": "/",
        "consumes": ["application/json", "application/vnd.pgrst.object+json", "text/csv"],
        "produces": ["application/json", "application/vnd.pgrst.object+json", "text/csv"],
        "paths": paths,
        "definitions": definitions,
    })
    .to_string()
    .into()
}

fn table_path(table: &Table) -> Value {
    let name = &table.name.name;
    let reference = json!({ "$ref": format!("#/definitions/{name}") });
    let filters: Vec<_> = table
        .columns()
        .iter()
        .map(|c| json!({ "name": c.name, "in": "query", "required": false, "type": "string", "format": c.type_name.as_sql() }))
        .collect();
    let body = json!({ "name": name, "in": "body", "required": false, "schema": reference });
    let mut methods = Map::new();
    let ok = json!({ "200": { "description": "OK", "schema": { "type": "array", "items": reference } } });
    let operation = |parameters: Vec<Value>, responses: Value| json!({ "tags": [name], "summary": table.description, "parameters": parameters, "responses": responses });
    methods.insert("get".into(), operation(filters.clone(), ok));
    if table.access.insert {
        methods.insert("post".into(), operation(vec![body.clone()], json!({ "201": { "description": "Created" } })));
    }
    if table.access.update {
        let parameters = [filters.clone(), vec![body]].concat();
        methods.insert("patch".into(), operation(parameters, json!({ "204": { "description": "No Content" } })));
    }
    if table.access.delete {
        methods.insert("delete".into(), operation(filters, json!({ "204": { "description": "No Content" } })));
    }
    Value::Object(methods)
}

fn routine_path(routine: &Routine) -> Value {
    let tag = format!("(rpc) {}", routine.name.name);
    let properties: Map<_, _> =
        routine.parameters.iter().map(|p| (p.name.clone(), schema_of(p.type_name.as_sql()))).collect();
    let required: Vec<_> = routine.parameters.iter().filter(|p| p.required).map(|p| p.name.as_str()).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let responses = json!({ "200": { "description": "OK" } });
    let post = json!({
        "tags": [tag], "summary": routine.description, "responses": responses,
        "parameters": [{ "name": "args", "in": "body", "required": true, "schema": schema }],
    });
    if routine.volatility == Volatility::Volatile {
        return json!({ "post": post });
    }
    let query = |p: &Parameter| json!({ "name": p.name, "in": "query", "required": p.required, "type": "string", "format": p.type_name.as_sql() });
    let get = json!({
        "tags": [tag], "summary": routine.description, "responses": responses,
        "parameters": routine.parameters.iter().map(query).collect::<Vec<_>>(),
    });
    json!({ "get": get, "post": post })
}

fn definition(table: &Table) -> Value {
    let property = |column: &Column| {
        let mut schema = schema_of(column.type_name.as_sql());
        let key = table.primary_key.contains(&column.name).then_some("Note:\nThis is a Primary Key.<pk/>");
        let texts: Vec<_> = [column.description.as_deref(), key].into_iter().flatten().collect();
        if !texts.is_empty() {
            schema["description"] = texts.join("\n\n").into();
        }
        if let Some(default) = &column.default {
            schema["default"] = default.as_sql().into();
        }
        (column.name.clone(), schema)
    };
    let properties: Map<_, _> = table.columns().iter().map(property).collect();
    let required: Vec<_> = table.columns().iter().filter(|c| !c.nullable).map(|c| c.name.as_str()).collect();
    json!({ "type": "object", "description": table.description, "required": required, "properties": properties })
}

fn schema_of(type_name: &str) -> Value {
    if let Some(element) = type_name.strip_suffix("[]") {
        return json!({ "type": "array", "format": type_name, "items": { "type": kind(element) } });
    }
    match kind(type_name) {
        "" => json!({ "format": type_name }),
        kind => json!({ "type": kind, "format": type_name }),
    }
}

/// JSON Schema's word for a PostgreSQL type; json itself may be anything.
fn kind(type_name: &str) -> &'static str {
    match type_name.split('(').next().unwrap_or(type_name) {
        "smallint" | "integer" | "bigint" => "integer",
        "numeric" | "real" | "double precision" => "number",
        "boolean" => "boolean",
        "json" | "jsonb" => "",
        _ => "string",
    }
}
