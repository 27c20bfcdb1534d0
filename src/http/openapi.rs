//! The OpenAPI 3.1 document, made from the table of routes, so that it cannot say anything else than the box does.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::clip::{FIELD, POSES};
use super::head::Method;
use super::pages;
use super::reply;
use super::route::{Entry, Route, TABLE, templates};
use crate::workout::{KNOBS, Knob, NAME_MOST};

fn said(status: u16) -> &'static str {
    match status {
        303 => "A form is sent on to another page",
        304 => "The picture of If-None-Match is still the newest",
        401 => "The key is missing or wrong",
        403 => "The camera shows no pictures, only skeletons; or a form comes from a page of another host",
        404 => "There is no such thing, or a camera has no picture; the sentence says why",
        405 => "The method is not allowed; Allow names those that are",
        421 => "The box does not go by the name in Host",
        422 => "A parameter or the body is not as wanted; the sentence says why",
        429 => "Too many wrong keys came from this address; Retry-After says when it may try again",
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
    let key = if entry.wants_key { &[401, 429][..] } else { &[] };
    let host = entry.is_told_to_known_hosts_only().then_some(421);
    let all = own.chain(key.iter().copied()).chain(host).chain([405]);
    let mut all: Map<String, Value> = all.map(|status| (status.to_string(), error(status))).collect();
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

/// What a request brings in its body; nothing where none is read.
fn body(route: Route) -> Option<Value> {
    let object = |schema: Value| json!({"application/json": {"schema": schema}});
    let text = json!({"type": "string", "minLength": 1, "maxLength": NAME_MOST});
    let correction = || {
        object(json!({"type": "object", "additionalProperties": false, "properties": {
            "exercise": {"type": ["string", "null"], "minLength": 1, "maxLength": NAME_MOST},
            "reps": {"type": ["integer", "null"], "minimum": 0, "maximum": 1000},
            "weight": {"type": ["number", "null"], "minimum": 0, "maximum": 2000},
            "note": {"type": ["string", "null"], "maxLength": 500}}}))
    };
    let binary = json!({"type": "string", "format": "binary"});
    Some(match route {
        Route::Correct => json!({"required": true, "content": correction(),
            "description": "What is absent stays as it is; null takes an earlier word back"}),
        Route::Confirm => json!({"required": false, "content": correction(),
            "description": "A correction that comes with the word"}),
        Route::Remember => json!({"required": true, "content": object(json!({"type": "object",
            "additionalProperties": false, "required": ["name"], "properties": {"name": text}}))}),
        Route::Choose => json!({"required": true, "content": object(json!({"type": "object", "required": ["name"],
            "properties": {"name": {"type": ["string", "null"], "minLength": 1, "maxLength": NAME_MOST}}}))}),
        Route::Tune => {
            let range =
                |k: &Knob| json!({"type": "number", "minimum": k.least, "maximum": k.most, "description": k.help});
            let knobs: Map<String, Value> = KNOBS.iter().map(|k| (k.name.to_string(), range(k))).collect();
            json!({"required": true, "content": object(json!({"type": "object", "additionalProperties": false,
                "minProperties": 1, "properties": knobs}))})
        }
        Route::Login => {
            let schema = json!({"schema": {"type": "object", "required": ["key"],
                "properties": {"key": {"type": "string"}}}});
            json!({"required": true,
                "content": {"application/json": schema, "application/x-www-form-urlencoded": schema}})
        }
        Route::Reference => {
            let raw = json!({"schema": binary});
            let form = json!({"schema": {"type": "object", "required": [FIELD], "properties": {FIELD: binary}}});
            json!({"required": true,
                "description": "The clip, as it is or as the field of a form: a film, or a poses file (in a form named .jsonl)",
                "content": {"video/*": raw, "application/octet-stream": raw, POSES: raw, "multipart/form-data": form}})
        }
        _ => return None,
    })
}

fn operation(entry: &Entry) -> Value {
    let mut operation = json!({
        "summary": entry.summary,
        "parameters": parameters(entry),
        "responses": answers(entry),
        "security": if entry.wants_key { json!([{"header": []}, {"basic": []}, {"cookie": []}]) } else { json!([]) },
    });
    if let Some(body) = body(entry.route) {
        operation["requestBody"] = body;
    }
    operation
}

/// What a page answers that lies at a path of the table, as the login does: who only read the table would expect a 405.
fn page() -> Value {
    let media = |kind: &str, schema: Value| json!({kind: {"schema": schema}});
    let error = media("application/json", json!({"$ref": "#/components/schemas/Error"}));
    json!({"summary": "The page for people", "parameters": [], "security": [], "responses": {
        "200": {"description": "It is there", "content": media("text/html", json!({"type": "string"}))},
        "304": {"description": "The page of If-None-Match is still the same"},
        "421": {"description": said(421), "content": error},
        "default": {"description": "The request is not well formed, too long or too slow", "content": error}}})
}

/// The document, made once: it takes longer than any other answer.
pub fn document() -> &'static [u8] {
    static MADE: LazyLock<Vec<u8>> = LazyLock::new(made);
    &MADE
}

fn made() -> Vec<u8> {
    let paths = templates().iter().map(|template| {
        let mut methods = Map::new();
        for entry in TABLE.iter().filter(|e| e.template() == *template) {
            methods.insert(entry.method.name().to_ascii_lowercase(), operation(entry));
            if entry.method == Method::Get {
                methods.insert("head".into(), operation(entry));
            }
        }
        if pages::find(template).is_some_and(|page| !page.needs_login) {
            methods.extend(["get", "head"].map(|method| (method.to_string(), page())));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that change something by what they bring said nothing of it.
    #[test]
    fn every_route_that_reads_a_body_says_what_it_wants() {
        let document: Value = serde_json::from_slice(document()).unwrap();
        let mut without = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let content = operation["requestBody"]["content"].as_object();
                assert!(content.is_none_or(|kinds| kinds.values().all(|kind| kind["schema"]["type"].is_string())));
                if !["get", "head", "delete"].contains(&method.as_str()) && content.is_none() {
                    without.push(format!("{method} {path}"));
                }
            }
        }
        assert_eq!(without, ["post /api/v1/sinks/{name}/retry", "post /logout"]);
        assert!(document["paths"]["/login"]["get"]["responses"]["200"]["content"]["text/html"].is_object());
        let set = &document["paths"]["/api/v1/sets/{id}"]["patch"];
        assert_eq!(set["responses"]["422"]["description"], said(422));
        let tune = &document["paths"]["/api/v1/thresholds"]["patch"]["requestBody"]["content"]["application/json"];
        assert_eq!(tune["schema"]["properties"].as_object().map(Map::len), Some(KNOBS.len()));
    }
}
