//! The OpenAPI 3.1 document, made from the table of routes, so that it cannot say anything else than the box does.

use serde_json::{Map, Value, json};

use super::clip::FIELD;
use super::head::Method;
use super::reply;
use super::route::{Entry, Route, TABLE, templates};

fn said(status: u16) -> &'static str {
    match status {
        303 => "A form is sent on to another page",
        304 => "The picture of If-None-Match is still the newest",
        401 => "The key is missing or wrong",
        403 => "The camera shows no pictures, only skeletons; or a form comes from a page of another host",
        404 => "There is no such camera, or it has no picture; the sentence says why",
        405 => "The method is not allowed; Allow names those that are",
        422 => "A parameter is out of its range",
        503 => "Not now; the sentence says why",
        other => reply::reason(other),
    }
}

fn parameters(entry: &Entry) -> Vec<Value> {
    let part = entry.variable.map(|variable| {
        json!({"name": variable.name, "in": "path", "required": true, "description": variable.help,
            "schema": {"type": "string"}})
    });
    let query = entry.parameters.iter().map(|p| {
        let number = |n: f64| if p.kind == "integer" { json!(n as i64) } else { json!(n) };
        json!({"name": p.name, "in": "query", "required": false, "description": p.help,
            "schema": if p.kind == "string" { json!({"type": "string"}) }
                else { json!({"type": p.kind, "minimum": number(p.least), "maximum": number(p.most)}) }})
    });
    part.into_iter().chain(query).collect()
}

fn answers(entry: &Entry) -> Map<String, Value> {
    let error = |status: u16| {
        let mut answer = json!({"description": said(status)});
        if status >= 400 {
            answer["content"] = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}});
        }
        answer
    };
    let own = entry.answers.iter().copied();
    let key = entry.wants_key.then_some(401);
    let mut all: Map<String, Value> =
        own.chain(key).chain([405]).map(|status| (status.to_string(), error(status))).collect();
    let content = match entry.media {
        "application/json" => json!({"application/json": {"schema": {}}}),
        media => Value::Object(Map::from_iter([(media.to_string(), json!({"schema": {"type": "string"}}))])),
    };
    all.insert(
        "default".into(),
        json!({"description": "The request is not well formed, too long or too slow",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}),
    );
    all.insert("200".into(), json!({"description": "It is there", "content": content}));
    all
}

fn operation(entry: &Entry) -> Value {
    let mut operation = json!({
        "summary": entry.summary,
        "parameters": parameters(entry),
        "responses": answers(entry),
        "security": if entry.wants_key { json!([{"header": []}, {"basic": []}, {"cookie": []}]) } else { json!([]) },
    });
    if entry.method == Method::Post && entry.answers.contains(&401) {
        let schema = json!({"schema": {"type": "object", "required": ["key"],
            "properties": {"key": {"type": "string"}}}});
        operation["requestBody"] = json!({"required": true,
            "content": {"application/json": schema, "application/x-www-form-urlencoded": schema}});
    }
    if entry.route == Route::Reference {
        let raw = json!({"schema": {"type": "string", "format": "binary"}});
        let form = json!({"schema": {"type": "object", "required": [FIELD],
            "properties": {FIELD: {"type": "string", "format": "binary"}}}});
        operation["requestBody"] = json!({"required": true, "description": "The clip, as it is or as the field of a form",
            "content": {"video/*": raw, "application/octet-stream": raw, "multipart/form-data": form}});
    }
    operation
}

/// The document.
pub fn document() -> Vec<u8> {
    let paths = templates().iter().map(|template| {
        let mut methods = Map::new();
        for entry in TABLE.iter().filter(|e| e.template() == *template) {
            methods.insert(entry.method.name().to_ascii_lowercase(), operation(entry));
            if entry.method == Method::Get {
                methods.insert("head".into(), operation(entry));
            }
        }
        (template.clone(), Value::Object(methods))
    });
    reply::json(&json!({
        "openapi": "3.1.0",
        "info": {"title": "Spotter", "version": env!("CARGO_PKG_VERSION"),
            "description": "The box with the cameras. Errors are {\"detail\": \"one sentence\"}."},
        "paths": paths.collect::<Map<String, Value>>(),
        "components": {
            "schemas": {"Error": {"type": "object", "required": ["detail"],
                "properties": {"detail": {"type": "string"}, "status": {"type": "string"}}}},
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "basic": {"type": "http", "scheme": "basic"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "spotter"},
            },
        },
    }))
}
