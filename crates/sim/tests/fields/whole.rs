//! Kubernetes' own types within a template: each field of each of them, made up from Argo's schema,
//! must come through into the pod.

use serde_json::{Map, Value, json};

use super::observe::pods_of;

const CORE: &str = "io.k8s.api.core.v1.";

/// Where Kubernetes' types stand in a template, and where the pod has them.
const PLACES: [(&str, &str, &str); 8] = [
    ("Container", "container", "/containers/0"),
    (
        "SecurityContext",
        "container/securityContext",
        "/containers/0/securityContext",
    ),
    ("PodSecurityContext", "securityContext", "/securityContext"),
    ("Affinity", "affinity", "/affinity"),
    ("Toleration", "tolerations/0", "/tolerations/0"),
    ("HostAlias", "hostAliases/0", "/hostAliases/0"),
    ("Volume", "volumes/0", "/volumes/0"),
    ("PodDNSConfig", "dnsConfig", "/dnsConfig"),
];

/// Texts of which a made-up one would be a fault.
fn special(field: &str, kind: &str) -> Option<Value> {
    Some(match (kind, field) {
        ("Container", "name") => json!("main"),
        // Argo says something else of them than was given.
        ("Container", "image" | "command" | "args") => return None,
        (_, "restartPolicy") => json!("Always"),
        _ => return None,
    })
}

/// Makes up a value of a type, with every field that it has.
fn made_up(schema: &Value, of: &Value, field: &str, kind: &str, depth: usize) -> Option<Value> {
    if let Some(value) = special(field, kind) {
        return Some(value);
    }
    if let Some(reference) = of["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let short = name.rsplit('.').next().unwrap_or_default();
        return match short {
            "Quantity" => Some(json!("1")),
            "IntOrString" => Some(json!(7)),
            "Time" => Some(json!("2026-01-01T00:00:00Z")),
            _ if depth > 12 => None,
            _ => made_up(
                schema,
                &schema["definitions"][name],
                field,
                short,
                depth + 1,
            ),
        };
    }
    Some(match of["type"].as_str() {
        Some("string") => match of["format"].as_str() {
            Some("byte") => json!("eA=="),
            Some("int-or-string") => json!(7),
            Some("date-time") => json!("2026-01-01T00:00:00Z"),
            _ => match of["enum"][0].as_str() {
                Some(first) => json!(first),
                None => json!(format!("a-{}", field.to_lowercase())),
            },
        },
        Some("integer" | "number") => json!(7),
        Some("boolean") => json!(true),
        Some("array") => json!([made_up(schema, &of["items"], field, kind, depth + 1)?]),
        _ => match (&of["properties"], &of["additionalProperties"]) {
            (Value::Object(properties), _) => {
                let mut object = Map::new();
                for (name, of) in properties {
                    if let Some(value) = made_up(schema, of, name, kind, depth + 1) {
                        object.insert(name.clone(), value);
                    }
                }
                Value::Object(object)
            }
            (_, more @ Value::Object(_)) => {
                json!({ "key": made_up(schema, more, "value", kind, depth + 1)? })
            }
            _ => return None,
        },
    })
}

/// What of the first is not in the second.
fn missing(given: &Value, found: &Value, path: &str, out: &mut Vec<String>) {
    match (given, found) {
        (Value::Object(given), Value::Object(found)) => {
            for (key, value) in given {
                let path = format!("{path}/{key}");
                missing(value, found.get(key).unwrap_or(&Value::Null), &path, out);
            }
        }
        (Value::Array(given), Value::Array(found)) => {
            for (at, value) in given.iter().enumerate() {
                // Argo adds entries of its own to some lists.
                let fits = |found: &&Value| {
                    let mut rest = Vec::new();
                    missing(value, found, "", &mut rest);
                    rest.is_empty()
                };
                if found.iter().find(fits).is_none() {
                    let nearest = found.get(at).unwrap_or(&Value::Null);
                    missing(value, nearest, &format!("{path}/{at}"), out);
                }
            }
        }
        _ if given == found => {}
        _ => out.push(format!("{path}: {given} became {found}")),
    }
}

pub fn check(schema: &Value) {
    let mut wrong = Vec::new();
    let mut fields = 0;
    for (kind, at, seen) in PLACES {
        let definition = &schema["definitions"][format!("{CORE}{kind}")];
        let properties = definition["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("{kind}"));
        for (field, of) in properties {
            let Some(value) = made_up(schema, of, field, kind, 0) else {
                continue;
            };
            fields += 1;
            let mut template =
                json!({"name": "main", "container": {"image": "busybox", "command": ["echo"]}});
            let mut spec = json!({"entrypoint": "main"});
            let holder = if kind == "PodDNSConfig" {
                &mut spec
            } else {
                &mut template
            };
            let mut here = &mut *holder;
            for step in at.split('/') {
                here = match step {
                    "0" => {
                        *here = json!([{}]);
                        &mut here[0]
                    }
                    _ => &mut here[step],
                };
                if here.is_null() {
                    *here = json!({});
                }
            }
            // What a list's entry is found by.
            match kind {
                "Volume" if field != "name" => here["name"] = json!("v"),
                _ => {}
            }
            here[field] = value.clone();
            if field == "volumeMounts" {
                template["volumes"] = json!([{"name": value[0]["name"], "emptyDir": {}}]);
            }
            spec["templates"] = json!([template]);
            let workflow = json!({"metadata": {"name": "w", "namespace": "argo"}, "spec": spec});
            let pods = pods_of(&workflow);
            let Some(found) = pods[0]["spec"].pointer(&format!("{seen}/{field}")) else {
                wrong.push(format!("{kind}.{field} is not in the pod: {}", pods));
                continue;
            };
            missing(&value, found, &format!("{kind}.{field}"), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fields > 60, "only {fields} fields were looked at");
}
