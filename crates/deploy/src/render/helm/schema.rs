//! `values.schema.json`: what Helm accepts in the values (JSON Schema draft 7, which Helm 3 and 4 both read).

use super::values::Values;
use serde_json::{Map, Value, json};

pub(super) fn schema(values: &Values) -> String {
    let value = values.value();
    let mut properties = Map::new();
    for (key, part) in value.as_object().into_iter().flatten() {
        properties.insert(key.clone(), property(key, part, values));
    }
    // Helm itself adds it when the chart is part of another
    properties.insert(
        "global".to_owned(),
        json!({ "type": "object", "description": "Values of a chart above this one; not read." }),
    );
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values",
        "description": "What can be changed at installation.",
        "type": "object",
        "additionalProperties": false,
        "required": value.as_object().map(|map| map.keys().collect::<Vec<_>>()),
        "properties": properties,
        "definitions": definitions(),
    });
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

fn definitions() -> Value {
    json!({
        "quantity": {
            "description": "A quantity: 250m, 0.5, 512Mi, 2Gi.",
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$" },
                { "type": "number", "minimum": 0 },
            ],
        },
        "quantities": {
            "description": "Quantities by resource name.",
            "type": "object",
            "additionalProperties": { "$ref": "#/definitions/quantity" },
        },
        "name": {
            "description": "Name of an object in the namespace.",
            "type": "string",
            "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            "maxLength": 253,
        },
        "resources": {
            "description": "What the main container asks for and may use.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "requests": { "$ref": "#/definitions/quantities" },
                "limits": { "$ref": "#/definitions/quantities" },
            },
        },
        "pods": { "type": "integer", "minimum": 1, "maximum": 1000 },
    })
}

fn property(key: &str, value: &Value, values: &Values) -> Value {
    match key {
        "image" => image(values),
        "imagePullSecrets" => json!({
            "description": "Secrets with registry credentials.",
            "type": "array",
            "items": {
                "description": "One Secret.",
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "properties": { "name": { "$ref": "#/definitions/name" } },
            },
        }),
        "host" => json!({
            "description": "Host name of the Ingress, HTTPRoute and certificate.",
            "type": "string",
            "minLength": 1,
            "maxLength": 253,
            "pattern": "^[A-Za-z0-9*]([-A-Za-z0-9.]*[A-Za-z0-9])?$",
        }),
        "secrets" => {
            closed("Names of the Secrets that pods read.", value, |_, _| json!({ "$ref": "#/definitions/name" }))
        }
        "quota" => json!({
            "description": "Bounds of the whole namespace, as in a ResourceQuota.",
            "type": "object",
            "additionalProperties": { "$ref": "#/definitions/quantity" },
        }),
        "limitRange" => json!({
            "description": "Bounds of each container and volume, as in a LimitRange.",
            "type": "array",
            "items": { "description": "One kind of bounds.", "type": "object", "required": ["type"] },
        }),
        _ => {
            closed("What runs, by name.", value, |_, component| closed("One component.", component, |key, _| part(key)))
        }
    }
}

fn image(values: &Values) -> Value {
    let mut properties = json!({
        "repository": { "description": "Repository of the image, with its registry.", "type": "string", "minLength": 1 },
        "pullPolicy": {
            "description": "When nodes fetch the image.",
            "type": "string",
            "enum": ["Always", "IfNotPresent", "Never"],
        },
    });
    if values.has_tag() {
        properties["tag"] = json!({
            "description": "Version of the image; a digest may follow, as in 1.0@sha256:….",
            "type": "string",
            "minLength": 1,
        });
    }
    json!({
        "description": "Image of the roles.",
        "type": "object",
        "additionalProperties": false,
        "required": properties.as_object().map(|map| map.keys().collect::<Vec<_>>()),
        "properties": properties,
    })
}

/// An object with exactly the keys that the values have now.
fn closed(about: &str, value: &Value, of: impl Fn(&str, &Value) -> Value) -> Value {
    let entries = || value.as_object().into_iter().flatten();
    json!({
        "description": about,
        "type": "object",
        "additionalProperties": false,
        "required": entries().map(|(key, _)| key).collect::<Vec<_>>(),
        "properties": entries().map(|(key, value)| (key.clone(), of(key, value))).collect::<Map<_, _>>(),
    })
}

fn part(key: &str) -> Value {
    let (about, kind) = match key {
        "replicas" => ("Number of pods.", "pods"),
        "minReplicas" => ("Fewest pods of the autoscaler.", "pods"),
        "maxReplicas" => ("Most pods of the autoscaler.", "pods"),
        "instances" => ("Number of servers.", "pods"),
        "resources" => ("What the main container asks for and may use.", "resources"),
        "storage" => ("Size of the volume; it cannot be made smaller later.", "quantity"),
        _ => return json!({ "description": "Image, with its registry and version.", "type": "string", "minLength": 1 }),
    };
    // draft 7 ignores what stands beside a $ref
    json!({ "description": about, "allOf": [{ "$ref": format!("#/definitions/{kind}") }] })
}
