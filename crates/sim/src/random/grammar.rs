//! Workflows from a grammar of the language.

use serde_json::{Value, json};

use super::dice::Dice;

/// How deep templates stand in one another.
const DEPTH: u32 = 2;

/// What is there before any workflow: limits of semaphores, and templates to refer to.
pub(super) const SURROUNDINGS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: limits}
data: {two: "2"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: limits, namespace: other}
data: {two: "1"}
---
kind: SyncLimit
metadata: {name: shared}
spec: {limit: 2}
---
kind: SyncLimit
metadata: {name: whole}
spec: {limit: 2}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: library}
spec:
  templates:
  - {name: leaf, container: {image: i}}
  - name: pair
    steps: [[{name: a, template: leaf}, {name: b, template: gate}]]
  - {name: gate, suspend: {duration: "9"}}
---
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: library, namespace: other}
spec:
  templates:
  - {name: leaf, container: {image: i}}
  - name: pair
    steps: [[{name: a, template: leaf}, {name: b, template: gate}]]
  - {name: gate, suspend: {duration: "9"}}
---
apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata: {name: library}
spec:
  templates:
  - name: leaf
    retryStrategy: {limit: 1}
    container: {image: i}
"#;

/// The namespaces that workflows are in.
const NAMESPACES: [&str; 2] = ["default", "other"];

struct Grammar<'a> {
    dice: &'a mut Dice,
    templates: Vec<Value>,
}

/// A workflow of this name.
pub(super) fn workflow(dice: &mut Dice, name: &str) -> Value {
    let mut grammar = Grammar {
        dice,
        templates: Vec::new(),
    };
    let entrypoint = grammar.template(DEPTH);
    let mut spec = json!({"entrypoint": entrypoint});
    if grammar.dice.one_in(3) {
        spec["onExit"] = json!(grammar.template(1));
    }
    if grammar.dice.one_in(4) {
        spec["parallelism"] = json!(grammar.dice.below(3) + 1);
    }
    if grammar.dice.one_in(6) {
        spec["activeDeadlineSeconds"] = json!(grammar.dice.below(400));
    }
    if grammar.dice.one_in(8) {
        spec["suspend"] = json!(true);
    }
    if grammar.dice.one_in(8) {
        spec["synchronization"] = match grammar.dice.below(3) {
            // Not one that a leaf takes: it would wait for its own workflow.
            0 => json!({"semaphores": [{"namespace": "default", "database": {"key": "whole"}}]}),
            _ => json!({"mutexes": [{"name": "whole", "namespace": "default"}]}),
        };
    }
    if grammar.dice.one_in(8) {
        spec["retryStrategy"] = json!({"limit": 1});
    }
    if grammar.dice.one_in(5) {
        let template = grammar.leaf();
        let expression = "workflow.status == \"Running\"";
        spec["hooks"] = json!({"up": {"template": template, "expression": expression}});
    }
    grammar.leftovers(&mut spec);
    spec["templates"] = grammar.templates.into();
    let namespace = NAMESPACES[usize::from(grammar.dice.one_in(3))];
    json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

impl Grammar<'_> {
    /// Adds a template and gives its name.
    fn add(&mut self, mut template: Value) -> String {
        let name = format!("t{}", self.templates.len());
        template["name"] = json!(name);
        self.templates.push(template);
        name
    }

    fn template(&mut self, depth: u32) -> String {
        match self.dice.below(6) {
            _ if depth == 0 => self.leaf(),
            0..=2 if depth < DEPTH => self.leaf(),
            0..=3 => self.steps(depth - 1),
            _ => self.dag(depth - 1),
        }
    }

    /// What a workflow leaves behind, and what it tells.
    fn leftovers(&mut self, spec: &mut Value) {
        if self.dice.one_in(6) {
            let strategies = [
                "OnPodCompletion",
                "OnPodSuccess",
                "OnWorkflowCompletion",
                "OnWorkflowSuccess",
            ];
            let strategy = self.dice.choose(&strategies).copied();
            spec["podGC"] = json!({"strategy": strategy});
        }
        if self.dice.one_in(10) {
            let seconds = self.dice.below(300);
            spec["ttlStrategy"] = json!({"secondsAfterCompletion": seconds});
        }
        if self.dice.one_in(8) {
            spec["volumeClaimTemplates"] = json!([{"metadata": {"name": "work"}, "spec": {}}]);
            if self.dice.one_in(2) {
                spec["volumeClaimGC"] = json!({"strategy": "OnWorkflowCompletion"});
            }
        }
        if self.dice.one_in(6) {
            let metric = json!({"name": "ended", "help": "h", "counter": {"value": "1"}});
            spec["metrics"] = json!({"prometheus": [metric]});
        }
        if self.dice.one_in(8) {
            spec["priority"] = json!(self.dice.below(3));
        }
    }

    fn leaf(&mut self) -> String {
        let mut template = match self.dice.below(15) {
            0 => json!({"suspend": {"duration": self.dice.below(60).to_string()}}),
            1 => json!({"suspend": {}}),
            2 => json!({"script": {"image": "i", "command": ["sh"], "source": "echo"}}),
            3 => json!({"http": {"url": "http://a"}}),
            4 => json!({"containerSet": {"containers": [
                {"name": "first", "image": "i"},
                {"name": "main", "image": "i", "dependencies": ["first"]},
            ]}}),
            5 => json!({"plugin": {"say": {"what": "hello"}}}),
            _ => json!({"container": {"image": "i"}}),
        };
        let has_no_pod = ["suspend", "http", "plugin"];
        let is_pod = has_no_pod.iter().all(|kind| template.get(*kind).is_none());
        let is_set = template.get("containerSet").is_some();
        if is_pod && self.dice.one_in(3) {
            let from = json!({"path": "/o", "default": "none"});
            template["outputs"] = json!({"parameters": [{"name": "o", "valueFrom": from}]});
        }
        if is_pod && !is_set && self.dice.one_in(12) {
            template["daemon"] = json!(true);
        }
        if is_pod && self.dice.one_in(10) {
            template["timeout"] = json!("30s");
        }
        if is_pod && self.dice.one_in(12) {
            template["activeDeadlineSeconds"] = json!(20 + self.dice.below(60));
        }
        if self.dice.one_in(10) {
            let metric = json!({"name": "ran", "help": "h", "counter": {"value": "1"},
                "labels": [{"key": "as", "value": "{{status}}"}]});
            template["metrics"] = json!({"prometheus": [metric]});
        }
        self.guard(&mut template);
        self.retry(&mut template);
        self.add(template)
    }

    /// What may stand before a template.
    ///
    /// Only leaves that end by themselves have locks: others would wait for one another for ever.
    fn guard(&mut self, template: &mut Value) {
        let ends = template.get("dag").is_none()
            && template.get("steps").is_none()
            && template.get("daemon").is_none();
        if ends && self.dice.one_in(8) {
            let name = self.dice.choose(&["a", "b"]).copied().unwrap_or("a");
            template["synchronization"] = self.locks(name);
        }
        if self.dice.one_in(12) {
            let cache = json!({"configMap": {"name": "cache"}});
            let key = self.dice.below(2).to_string();
            template["memoize"] = json!({"key": key, "cache": cache});
        }
    }

    /// One lock or several, of this namespace, of another's, or of the database.
    fn locks(&mut self, name: &str) -> Value {
        let semaphore = json!({"configMapKeyRef": {"name": "limits", "key": "two"}});
        let shared = json!({"namespace": "default", "database": {"key": "shared"}});
        let mutex = json!({"name": name});
        let elsewhere = json!({"name": name, "namespace": "other"});
        match self.dice.below(7) {
            0 => json!({"semaphores": [semaphore]}),
            1 => json!({"semaphores": [shared]}),
            2 => json!({"mutexes": [elsewhere]}),
            3 => json!({"mutexes": [{"name": name, "database": true}, mutex]}),
            4 => json!({"semaphores": [semaphore, shared], "mutexes": [elsewhere]}),
            _ => json!({"mutexes": [mutex]}),
        }
    }

    fn retry(&mut self, template: &mut Value) {
        if !self.dice.one_in(4) {
            return;
        }
        let mut retry = json!({"limit": self.dice.below(3)});
        if self.dice.one_in(2) {
            retry["retryPolicy"] = json!("Always");
        }
        if self.dice.one_in(2) {
            retry["backoff"] = json!({"duration": "7", "factor": 2});
        }
        template["retryStrategy"] = retry;
    }

    fn composite(&mut self, mut template: Value, depth: u32) -> String {
        if self.dice.one_in(4) {
            template["parallelism"] = json!(self.dice.below(2) + 1);
        }
        if self.dice.one_in(5) {
            template["failFast"] = json!(true);
        }
        self.guard(&mut template);
        // Whatever stands inside has other locks, so none waits for another for ever.
        if self.dice.one_in(8) {
            let name = format!("around{depth}");
            template["synchronization"] = json!({"mutexes": [{"name": name}]});
        }
        self.retry(&mut template);
        self.add(template)
    }

    /// A template that calls itself a few times.
    fn recursion(&mut self) -> String {
        let leaf = self.leaf();
        let name = format!("t{}", self.templates.len());
        let number = json!([{"name": "n", "value": "{{=asInt(inputs.parameters.n) - 1}}"}]);
        let again = json!({
            "name": "again",
            "template": name,
            "when": "{{inputs.parameters.n}} > 0",
            "arguments": {"parameters": number},
        });
        self.add(json!({
            "inputs": {"parameters": [{"name": "n", "value": "2"}]},
            "steps": [[{"name": "work", "template": leaf}], [again]],
        }))
    }

    /// What a step or task runs.
    fn callee(&mut self, depth: u32) -> Value {
        match self.dice.below(20) {
            0 => json!({"templateRef": {"name": "library", "template": "leaf"}}),
            1 => json!({"templateRef": {"name": "library", "template": "pair"}}),
            2 => json!({"templateRef":
                {"name": "library", "template": "leaf", "clusterScope": true}}),
            3 => json!({"template": self.recursion()}),
            _ => json!({"template": self.template(depth)}),
        }
    }

    /// A call of a template by a step or task, which are `steps` or `tasks`.
    fn call(&mut self, name: &str, depth: u32, calls: &str) -> Value {
        let mut call = self.callee(depth);
        call["name"] = json!(name);
        match self.dice.below(8) {
            0 => call["withItems"] = json!([1, "two", {"k": 3}]),
            1 => {
                let count = self.dice.below(4).to_string();
                call["withSequence"] = json!({"count": count});
            }
            2 => call["withParam"] = json!("[\"x\", \"y\"]"),
            _ => {}
        }
        match self.dice.below(8) {
            0 => call["when"] = json!("false"),
            1 => call["when"] = json!("{{workflow.name}} == wf0"),
            _ => {}
        }
        if self.dice.one_in(6) {
            call["hooks"] = json!({"exit": {"template": self.leaf()}});
        }
        if self.dice.one_in(10) {
            let phase = *self
                .dice
                .choose(&["Running", "Failed"])
                .unwrap_or(&"Running");
            let expression = format!("{calls}.{name}.status == \"{phase}\"");
            call["hooks"]["seen"] = json!({"template": self.leaf(), "expression": expression});
        }
        call
    }

    fn steps(&mut self, depth: u32) -> String {
        let mut groups = Vec::new();
        let mut number = 0;
        for _ in 0..self.dice.below(3) + 1 {
            let mut group = Vec::new();
            for _ in 0..self.dice.below(2) + 1 {
                let mut step = self.call(&format!("s{number}"), depth, "steps");
                if !group.is_empty() && self.dice.one_in(5) {
                    self.watch(&mut step, number - 1);
                }
                if self.dice.one_in(5) {
                    step["continueOn"] = json!({"failed": true, "error": true});
                }
                group.push(step);
                number += 1;
            }
            groups.push(Value::from(group));
        }
        self.composite(json!({"steps": groups}), depth)
    }

    /// Hooks of a step that speak of the one before it in its group.
    fn watch(&mut self, step: &mut Value, watched: u32) {
        let names = ["beside", "exit"];
        let name = names[usize::from(self.dice.one_in(2))];
        let phase = *self
            .dice
            .choose(&["Running", "Failed", "Succeeded"])
            .unwrap_or(&"Running");
        let expression = format!("steps.s{watched}.status == \"{phase}\"");
        step["hooks"][name] = json!({"template": self.leaf(), "expression": expression});
    }

    fn dag(&mut self, depth: u32) -> String {
        let count = self.dice.below(4) + 1;
        let mut tasks = Vec::new();
        for number in 0..count {
            let mut task = self.call(&format!("k{number}"), depth, "tasks");
            let mut terms = Vec::new();
            for before in 0..number {
                if self.dice.one_in(3) {
                    let loops = ["withItems", "withParam"];
                    let before_task: &Value = &tasks[before as usize];
                    let looped = loops.iter().any(|key| before_task.get(*key).is_some());
                    let result = match self.dice.below(6) {
                        0 => ".Failed",
                        1 => ".Succeeded",
                        2 => ".Omitted",
                        3 if looped => ".AnySucceeded",
                        4 if looped => ".AllFailed",
                        _ => "",
                    };
                    terms.push(format!("k{before}{result}"));
                }
            }
            if !terms.is_empty() {
                let operator = if self.dice.one_in(2) { " && " } else { " || " };
                task["depends"] = json!(terms.join(operator));
            }
            tasks.push(task);
        }
        let mut dag = json!({"tasks": tasks});
        if self.dice.one_in(2) {
            dag["failFast"] = json!(false);
        }
        if self.dice.one_in(6) {
            dag["target"] = json!("k0");
        }
        self.composite(json!({"dag": dag}), depth)
    }
}
