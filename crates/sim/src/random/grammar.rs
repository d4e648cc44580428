//! Workflows from a grammar of the language.

use serde_json::{Value, json};

use super::dice::Dice;

/// How deep templates stand in one another.
const DEPTH: u32 = 2;

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
        spec["synchronization"] = json!({"mutexes": [{"name": "whole"}]});
    }
    if grammar.dice.one_in(8) {
        spec["retryStrategy"] = json!({"limit": 1});
    }
    if grammar.dice.one_in(5) {
        let template = grammar.leaf();
        let expression = "workflow.status == \"Running\"";
        spec["hooks"] = json!({"up": {"template": template, "expression": expression}});
    }
    spec["templates"] = grammar.templates.into();
    json!({"metadata": {"name": name}, "spec": spec})
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

    fn leaf(&mut self) -> String {
        let mut template = match self.dice.below(10) {
            0 => json!({"suspend": {"duration": self.dice.below(60).to_string()}}),
            1 => json!({"suspend": {}}),
            2 => json!({"script": {"image": "i", "command": ["sh"], "source": "echo"}}),
            _ => json!({"container": {"image": "i"}}),
        };
        let is_pod = template.get("suspend").is_none();
        if is_pod && self.dice.one_in(3) {
            let from = json!({"path": "/o", "default": "none"});
            template["outputs"] = json!({"parameters": [{"name": "o", "valueFrom": from}]});
        }
        if is_pod && self.dice.one_in(12) {
            template["daemon"] = json!(true);
        }
        if is_pod && self.dice.one_in(10) {
            template["timeout"] = json!("30s");
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
            template["synchronization"] = json!({"mutexes": [{"name": name}]});
        }
        if self.dice.one_in(12) {
            let cache = json!({"configMap": {"name": "cache"}});
            let key = self.dice.below(2).to_string();
            template["memoize"] = json!({"key": key, "cache": cache});
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

    fn composite(&mut self, mut template: Value) -> String {
        if self.dice.one_in(4) {
            template["parallelism"] = json!(self.dice.below(2) + 1);
        }
        if self.dice.one_in(5) {
            template["failFast"] = json!(true);
        }
        self.guard(&mut template);
        self.retry(&mut template);
        self.add(template)
    }

    /// A call of a template by a step or task.
    fn call(&mut self, name: &str, depth: u32) -> Value {
        let mut call = json!({"name": name, "template": self.template(depth)});
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
        call
    }

    fn steps(&mut self, depth: u32) -> String {
        let mut groups = Vec::new();
        let mut number = 0;
        for _ in 0..self.dice.below(3) + 1 {
            let mut group = Vec::new();
            for _ in 0..self.dice.below(2) + 1 {
                let mut step = self.call(&format!("s{number}"), depth);
                if self.dice.one_in(5) {
                    step["continueOn"] = json!({"failed": true, "error": true});
                }
                group.push(step);
                number += 1;
            }
            groups.push(Value::from(group));
        }
        self.composite(json!({"steps": groups}))
    }

    fn dag(&mut self, depth: u32) -> String {
        let count = self.dice.below(4) + 1;
        let mut tasks = Vec::new();
        for number in 0..count {
            let mut task = self.call(&format!("k{number}"), depth);
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
        self.composite(json!({"dag": dag}))
    }
}
