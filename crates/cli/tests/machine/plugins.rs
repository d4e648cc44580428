//! `plugin` templates on this machine, with plugins of the test's own.

use std::net::{TcpListener, TcpStream};

use crate::place::{Place, example, node};

/// A plugin that does what the template's body says, and refuses whoever has not its token.
const SERVER: &str = r#"
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

with open("/var/run/argo/token") as f:
    token = f.read().strip()
asked = {}


class Plugin(BaseHTTPRequestHandler):
    def reply(self, status, reply):
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        args = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != "Bearer " + token:
            return self.reply(403, "who are you?")
        if self.path != "/api/v1/template.execute":
            return self.reply(404, {})
        plugin, name = args["template"]["plugin"], args["workflow"]["metadata"]["name"]
        if "hello" in plugin:
            value = plugin["hello"]["to"] + " from " + name + os.environ.get("SUFFIX", "")
            outputs = {"parameters": [{"name": "foo", "value": value}], "result": "said"}
            self.reply(200, {"node": {"phase": "Succeeded", "message": "Hello!", "outputs": outputs}})
        elif "slow" in plugin:
            count = asked["slow"] = asked.get("slow", 0) + 1
            if count < 3:
                progress = "%d/3" % count
                node = {"phase": "Running", "message": "at " + progress, "progress": progress}
                self.reply(200, {"node": node, "requeue": "50ms"})
            else:
                self.reply(200, {"node": {"phase": "Succeeded", "progress": "3/3"}})
        elif "until" in plugin:
            done = os.path.exists(plugin["until"]["file"])
            phase = "Succeeded" if done else "Running"
            self.reply(200, {"node": {"phase": phase}, "requeue": "50ms"})
        elif "dies" in plugin and not os.path.exists(plugin["dies"]["file"]):
            open(plugin["dies"]["file"], "w").close()
            os._exit(3)
        elif "dies" in plugin:
            self.reply(200, {"node": {"phase": "Succeeded"}})
        elif "broken" in plugin:
            self.reply(500, "it is broken")
        elif "refused" in plugin:
            self.reply(200, {"node": {"phase": "Failed", "message": "no"}})
        elif "nonsense" in plugin:
            self.reply(200, "nonsense")
        else:
            self.reply(200, {})


HTTPServer(("127.0.0.1", int(sys.argv[1])), Plugin).serve_forever()
"#;

const MANIFEST: &str = "
apiVersion: argoproj.io/v1alpha1
kind: ExecutorPlugin
metadata:
  name: hello
  annotations: {workflows.argoproj.io/version: '>= v3.3', workflows.argoproj.io/description: It greets.}
spec:
  sidecar:
    container:
      name: hello-executor-plugin
      image: python:alpine
      command: [sh, -c, 'exec python3 -u -c \"$0\" PORT']
      env: [{name: SUFFIX, valueFrom: {secretKeyRef: {name: plugin, key: suffix}}}]
      ports: [{containerPort: PORT}]
      resources: {requests: {cpu: 1m}, limits: {cpu: 1m}}
      securityContext: {runAsNonRoot: true}
";

const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata: {name: plugin}
stringData: {suffix: '!'}
";

/// A port that was free just now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A place in which the plugin is known, and its port.
fn place_with_plugin() -> (Place, u16) {
    let (place, port) = (Place::new(), free_port());
    std::fs::create_dir(place.path("plugin")).expect("a folder");
    place.write("plugin/server.py", SERVER.trim_start());
    place.write(
        "plugin/plugin.yaml",
        &MANIFEST.replace("PORT", &port.to_string()),
    );
    let said = place.says(&["executor-plugin", "build", "plugin"]);
    assert_eq!(
        said,
        "plugin/hello-executor-plugin-configmap.yaml created\nplugin/README.md created\n"
    );
    place.write("secret.yaml", SECRET);
    let map = "plugin/hello-executor-plugin-configmap.yaml";
    let said = place.says(&["apply", "-f", map, "-f", "secret.yaml"]);
    assert_eq!(
        said,
        "configmap/hello-executor-plugin created\nsecret/plugin created\n"
    );
    (place, port)
}

fn workflow(name: &str, templates: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n  entrypoint: main\n  templates:\n{templates}"
    )
}

#[test]
fn a_plugin_is_built_as_argo_builds_it() {
    let (place, port) = place_with_plugin();
    let read =
        |name: &str| std::fs::read_to_string(place.path("plugin").join(name)).expect("a file");
    let map = read("hello-executor-plugin-configmap.yaml");
    assert!(
        map.starts_with("# This is an auto-generated file. DO NOT EDIT\napiVersion: v1\ndata:\n  sidecar.automountServiceAccountToken: \"false\"\n  sidecar.container: |\n    args:\n    - |\n"),
        "{map}"
    );
    assert!(
        map.contains(&format!("    - containerPort: {port}\n")),
        "{map}"
    );
    assert!(
        map.contains("  labels:\n    workflows.argoproj.io/configmap-type: ExecutorPlugin\n"),
        "{map}"
    );
    assert_eq!(
        read("README.md"),
        "<!-- This is an auto-generated file. DO NOT EDIT -->\n# hello\n\n* Needs: >= v3.3\n* Image: python:alpine\n\nIt greets.\n\nInstall:\n\n    kubectl apply -f hello-executor-plugin-configmap.yaml\n\nUninstall:\n\n    kubectl delete cm hello-executor-plugin\n"
    );
    place.write("plugin/server.sh", "");
    let error = place.fails(&["executor-plugin", "build", "plugin"]);
    assert!(
        error.contains("plugin hello has more than one server.* file"),
        "{error}"
    );
    let without = MANIFEST
        .replace("PORT", "1")
        .replace("securityContext: {runAsNonRoot: true}", "");
    place.write("without.yaml", &without);
    let error = place.fails(&["apply", "-f", "without.yaml"]);
    assert!(
        error.contains("sidecar is invalid: security context is mandatory"),
        "{error}"
    );
}

#[test]
fn plugins_carry_out_templates() {
    let (place, port) = place_with_plugin();
    let text = workflow(
        "wf",
        "
  - name: main
    dag:
      failFast: false
      tasks:
      - {name: hello, template: hello, arguments: {parameters: [{name: to, value: you}]}}
      - {name: after, template: hello, depends: hello, arguments: {parameters: [{name: to, value: '{{tasks.hello.outputs.parameters.foo}}'}]}}
      - {name: slow, template: slow}
      - {name: broken, template: broken}
      - {name: refused, template: refused}
      - {name: nonsense, template: nonsense}
      - {name: nobody, template: nobody}
  - name: hello
    inputs: {parameters: [{name: to}]}
    outputs: {parameters: [{name: foo, valueFrom: {supplied: {}}}]}
    plugin: {hello: {to: '{{inputs.parameters.to}}'}}
  - {name: slow, plugin: {slow: {}}}
  - {name: broken, plugin: {broken: {}}}
  - {name: refused, plugin: {refused: {}}}
  - {name: nonsense, plugin: {nonsense: {}}}
  - {name: nobody, plugin: {slack: {}}}
",
    );
    let ended = place.run(place.write("wf.yaml", &text));
    let cases = [
        ("hello", "Succeeded", "Hello!"),
        ("after", "Succeeded", "Hello!"),
        ("slow", "Succeeded", ""),
        (
            "broken",
            "Failed",
            "500 Internal Server Error: \"it is broken\"",
        ),
        ("refused", "Failed", "no"),
        ("nobody", "Failed", "no plugin executed the template"),
    ];
    for (name, phase, message) in cases {
        let node = node(&ended, name);
        assert_eq!(node["type"], "Plugin", "{name}");
        assert_eq!(node["phase"], phase, "{name}: {node}");
        assert_eq!(
            node["message"].as_str().unwrap_or_default(),
            message,
            "{name}"
        );
    }
    assert_eq!(node(&ended, "nonsense")["phase"], "Failed");
    let outputs = &node(&ended, "after")["outputs"];
    assert_eq!(outputs["parameters"][0]["value"], "you from wf! from wf!");
    assert_eq!(outputs["result"], "said");
    assert_eq!(node(&ended, "slow")["progress"], "3/3");
    place.wait_until("the plugin ends with its workflow", || !answers(port));
}

#[test]
fn a_plugin_that_dies_is_begun_again() {
    let (place, _) = place_with_plugin();
    let file = place.path("died");
    let body = format!(
        "  - {{name: main, plugin: {{dies: {{file: '{}'}}}}}}\n",
        file.display()
    );
    let ended = place.run(place.write("wf.yaml", &workflow("wf", &body)));
    assert_eq!(node(&ended, "wf")["phase"], "Succeeded", "{ended}");
    assert!(file.exists());
}

#[test]
fn a_workflow_brings_plugins_of_its_own() {
    let place = Place::new();
    let ended = place.run(example("executor-plugin.yaml"));
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended}");
    let greeting = &node(&ended, "greet")["outputs"]["parameters"][0]["value"];
    assert_eq!(greeting, "Hello, world");
}

#[test]
fn a_plugin_that_can_not_begin_fails_its_nodes() {
    let place = Place::new();
    let text = MANIFEST
        .replace("PORT", &free_port().to_string())
        .replace("command: [sh,", "command: [no-such-command,")
        .replace("env: ", "# ");
    let own = workflow("wf", "  - {name: main, plugin: {hello: {to: you}}}\n");
    let ended = place.run(place.write("wf.yaml", &format!("{text}---\n{own}")));
    let node = node(&ended, "wf");
    assert_eq!(node["phase"], "Failed", "{node}");
    let message = node["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("executor plugin hello-executor-plugin: ")
            && message.contains("no-such-command"),
        "{message}"
    );
}

#[test]
fn a_plugin_waits_for_its_port() {
    let (place, port) = place_with_plugin();
    let taken = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let text = workflow("wf", "  - {name: main, plugin: {hello: {to: you}}}\n");
    place.write("wf.yaml", &text);
    let mut running = place.start(&["run", "--host", "wf.yaml"]);
    place.wait_until("the node says what it waits for", || {
        let output = place.argosy(&["get", "wf", "-o", "json"]);
        String::from_utf8_lossy(&output.stdout).contains(&format!("waits for port {port}"))
    });
    drop(taken);
    assert!(running.ends_well());
    assert_eq!(place.phase("wf"), "Succeeded");
}

#[test]
fn a_plugin_ends_with_its_runner_and_begins_with_the_next() {
    let (place, port) = place_with_plugin();
    let file = place.path("done");
    let body = format!(
        "  - {{name: main, plugin: {{until: {{file: '{}'}}}}}}\n",
        file.display()
    );
    place.write("wf.yaml", &workflow("wf", &body));
    let mut running = place.start(&["run", "--host", "wf.yaml"]);
    place.wait_until("the node runs", || {
        let output = place.argosy(&["get", "wf", "-o", "json"]);
        let workflow: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
        workflow.is_some_and(|wf| wf["status"]["nodes"]["wf"]["phase"] == "Running")
    });
    assert!(answers(port));
    running.kill();
    place.wait_until("the plugin is gone", || !answers(port));
    std::fs::write(&file, "").expect("a file");
    let said = place.says(&["run", "--host", "--resume"]);
    assert!(said.contains("Succeeded"), "{said}");
    place.wait_until("the plugin ends with its workflow", || !answers(port));
}
