//! Types that are handed on as they are: each field of each of them, made up from Argo's schema, must
//! come through: of Kubernetes' into the pod, of artifacts, `http` and `resource` to whoever acts on
//! them.

use serde_json::{Map, Value, json};

use super::observe::begun;

const CORE: &str = "io.k8s.api.core.v1.";
const ARGO: &str = "io.argoproj.workflow.v1alpha1.";

/// A type, and where it stands.
struct Place {
    /// Before its name in the schema.
    package: &'static str,
    kind: &'static str,
    /// Where a workflow's spec has it.
    at: &'static str,
    /// Where what becomes of it is seen.
    seen: &'static str,
    /// The template in which it stands, or beside which.
    template: fn() -> Value,
}

/// A pod's spec.
const POD: &str = "/pods/0/spec";
/// What an executor has to do.
const EXECUTOR: &str = "/executions/0/template";
/// What the agent has to do for the workflow's first node.
const AGENT: &str = "/tasksets/0/tasks/w";
/// The only template.
const TEMPLATE: &str = "/templates/0";

fn plain() -> Value {
    json!({"name": "main", "container": {"image": "busybox", "command": ["echo"]}})
}

fn taking() -> Value {
    let mut template = plain();
    template["inputs"] = json!({"artifacts": [{"name": "a", "path": "/a"}]});
    template
}

fn giving() -> Value {
    let mut template = plain();
    template["outputs"] = json!({"artifacts": [{"name": "a", "path": "/a"}]});
    template
}

fn calling() -> Value {
    json!({"name": "main", "http": {"url": "http://example.org"}})
}

fn acting() -> Value {
    let manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    json!({
        "name": "main",
        "inputs": {"artifacts": [{"name": "m", "path": "/m", "raw": {"data": manifest}}]},
        "resource": {"action": "create", "manifest": manifest},
    })
}

fn places() -> Vec<Place> {
    let core = |kind, at, seen| Place {
        package: CORE,
        kind,
        at,
        seen,
        template: plain,
    };
    let argo = |kind, at, seen, template| Place {
        package: ARGO,
        kind,
        at,
        seen,
        template,
    };
    vec![
        core("Container", "/container", "/containers/0"),
        core(
            "SecurityContext",
            "/container/securityContext",
            "/containers/0/securityContext",
        ),
        core("PodSecurityContext", "/securityContext", "/securityContext"),
        core("Affinity", "/affinity", "/affinity"),
        core("Toleration", "/tolerations/0", "/tolerations/0"),
        core("HostAlias", "/hostAliases/0", "/hostAliases/0"),
        core("Volume", "/volumes/0", "/volumes/0"),
        core("PodDNSConfig", "/dnsConfig", "/dnsConfig"),
        argo(
            "Artifact",
            "/inputs/artifacts/0",
            "/inputs/artifacts/0",
            taking,
        ),
        argo(
            "Artifact",
            "/outputs/artifacts/0",
            "/outputs/artifacts/0",
            giving,
        ),
        argo("HTTP", "/http", "/http", calling),
        argo("ResourceTemplate", "/resource", "/resource", acting),
    ]
}

/// Values of which a made-up one would be a fault, or `null` where something else is said of a field
/// than that it is handed on.
fn special(field: &str, kind: &str) -> Option<Value> {
    Some(match (kind, field) {
        ("Container", "name") => json!("main"),
        // Argo says something else of them than was given.
        ("Container", "image" | "command" | "args") => Value::Null,
        // What is taken is put in the place of the first two, and the third is Argo's own word.
        ("Artifact", "from" | "fromExpression" | "deleted") => Value::Null,
        ("Artifact", "name") => json!("b"),
        ("Artifact" | "HDFSArtifact", "path") => json!("/a"),
        ("ResourceTemplate", "action") => json!("patch"),
        ("ResourceTemplate", "mergeStrategy") => json!("merge"),
        ("ResourceTemplate", "manifest") => json!("{apiVersion: v1, kind: Secret}"),
        // The manifest says more then.
        ("ResourceTemplate", "setOwnerReference") => Value::Null,
        ("ResourceTemplate", "manifestFrom") => {
            json!({"artifact": {"name": "m", "raw": {"data": "x"}}})
        }
        (_, "restartPolicy") => json!("Always"),
        _ => return None,
    })
}

/// What an object needs beside one of its fields.
fn complete(holder: &mut Map<String, Value>, field: &str, kind: &str) {
    let stores = [
        "artifactory",
        "azure",
        "gcs",
        "git",
        "hdfs",
        "http",
        "oss",
        "plugin",
        "raw",
        "s3",
    ];
    match (kind, field) {
        ("Volume", field) if field != "name" => {
            holder.insert("name".to_owned(), json!("v"));
        }
        ("Artifact", field) if !stores.contains(&field) => {
            holder.insert("s3".to_owned(), json!({"key": "k"}));
        }
        ("ResourceTemplate", "manifestFrom") => {
            holder.remove("manifest");
        }
        _ => {}
    }
}

/// Makes up a value of a type, with every field that it has.
fn made_up(schema: &Value, of: &Value, field: &str, kind: &str, depth: usize) -> Option<Value> {
    match special(field, kind) {
        Some(Value::Null) => return None,
        Some(value) => return Some(value),
        None => {}
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
    for place in places() {
        let kind = place.kind;
        let definition = &schema["definitions"][format!("{}{kind}", place.package)];
        let properties = definition["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("{kind}"));
        for (field, of) in properties {
            let Some(value) = made_up(schema, of, field, kind, 0) else {
                continue;
            };
            fields += 1;
            let workflow = workflow(&place, field, &value);
            let begun = begun(&workflow);
            let seen = format!("{}{}/{field}", place.whose(), place.seen);
            let name = format!("{kind}.{field} at {}", place.at);
            match begun.pointer(&seen) {
                Some(found) => missing(&value, found, &name, &mut wrong),
                None => wrong.push(format!("{name} is not handed on: {begun}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fields > 100, "only {fields} fields were looked at");
}

impl Place {
    /// Who is told of it.
    fn whose(&self) -> &'static str {
        match (self.package, self.kind) {
            (ARGO, "HTTP") => AGENT,
            (ARGO, _) => EXECUTOR,
            _ => POD,
        }
    }
}

/// A workflow that has a field of a type at its place.
fn workflow(place: &Place, field: &str, value: &Value) -> Value {
    let mut spec = json!({"entrypoint": "main", "templates": [(place.template)()]});
    let at = match place.kind {
        "PodDNSConfig" => place.at.to_owned(),
        _ => format!("{TEMPLATE}{}", place.at),
    };
    let mut here = &mut spec;
    for step in at.split('/').skip(1) {
        here = match step.parse::<usize>() {
            Ok(index) => {
                if here.is_null() {
                    *here = json!([{}]);
                }
                &mut here[index]
            }
            Err(_) => &mut here[step],
        };
    }
    if here.is_null() {
        *here = json!({});
    }
    let holder = here.as_object_mut().expect("a type's value is an object");
    complete(holder, field, place.kind);
    holder.insert(field.to_owned(), value.clone());
    if field == "volumeMounts" {
        spec["templates"][0]["volumes"] = json!([{"name": value[0]["name"], "emptyDir": {}}]);
    }
    json!({"metadata": {"name": "w", "namespace": "argo"}, "spec": spec})
}
