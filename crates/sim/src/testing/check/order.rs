//! What ran, how often, in what order, and what at the same time.

use argosy_api::FieldPath;
use serde_json::{Value, json};

use super::Check;
use crate::testing::matching::agrees;
use crate::testing::names::no_template;
use crate::testing::observe::{base_name, template_name};
use crate::testing::play::Leaf;
use crate::testing::says::Expect;

impl Check<'_> {
    pub(super) fn runs(&mut self, expect: &Expect) {
        let leaves = &self.play.leaves;
        if !expect.ran.is_null() {
            let mut full = Vec::new();
            texts(&expect.ran, &mut full);
            let shown = leaves.iter().map(|leaf| match &leaf.node {
                node if full.contains(&node.name.as_str()) => node.name.as_str(),
                node => node.display_name.as_str(),
            });
            let shown: Vec<&str> = shown.collect();
            self.matches(&self.at("ran"), &expect.ran, &json!(shown), None);
        }
        for (name, wanted) in &expect.times {
            let count = leaves.iter().filter(|leaf| is_of(leaf, name)).count();
            let path = self.at("times").field(name.clone());
            if count == 0 && agrees(wanted, &json!(0)) {
                self.can_be(&path, wanted, name);
            }
            self.matches(&path, wanted, &json!(count), None);
        }
        for (name, wanted) in &expect.template_times {
            let of_template = |leaf: &&Leaf| template_name(&leaf.node) == name;
            let count = leaves.iter().filter(of_template).count();
            let first = leaves.iter().find(of_template).map(|leaf| &leaf.node);
            let path = self.at("templateTimes").field(name.clone());
            if let Some(why) = no_template(self.subject, name) {
                self.fail(&path, wanted.clone(), why.into(), None);
                continue;
            }
            self.matches(&path, wanted, &json!(count), first);
        }
    }

    /// Says so of a name under which nothing ran.
    fn all_ran(&mut self, path: &FieldPath, names: &[String]) -> bool {
        let leaves = &self.play.leaves;
        let idle = names
            .iter()
            .find(|name| !leaves.iter().any(|leaf| is_of(leaf, name)));
        if let Some(name) = idle {
            let actual = format!("{name} did not run");
            self.fail(path, json!(names), actual.into(), None);
        }
        idle.is_none()
    }

    pub(super) fn order(&mut self, wanted: &[String]) {
        let leaves = &self.play.leaves;
        let path = self.at("order");
        if !self.all_ran(&path, wanted) {
            return;
        }
        for pair in wanted.windows(2) {
            let last = leaves.iter().filter(|leaf| is_of(leaf, &pair[0]));
            let last = last.map(|leaf| leaf.ended.unwrap_or(usize::MAX)).max();
            let next = leaves.iter().find(|leaf| is_of(leaf, &pair[1]));
            if let (Some(last), Some(next)) = (last, next)
                && next.began < last
            {
                let actual = format!("{} began before {} had ended", pair[1], pair[0]);
                self.fail(&path, json!(wanted), actual.into(), Some(&next.node));
            }
        }
    }

    /// All of a group ran at the same time, at some time.
    pub(super) fn together(&mut self, groups: &[Vec<String>]) {
        let leaves = &self.play.leaves;
        for (place, names) in groups.iter().enumerate() {
            let path = self.at("together").index(place);
            if !self.all_ran(&path, names) {
                continue;
            }
            let runs_at = |name: &String, at: usize| {
                let mut all = leaves.iter().filter(|leaf| is_of(leaf, name));
                all.any(|leaf| leaf.began <= at && at < leaf.ended.unwrap_or(usize::MAX))
            };
            let mut times = leaves.iter().map(|leaf| leaf.began);
            if !times.any(|at| names.iter().all(|name| runs_at(name, at))) {
                let actual = "they never all ran at the same time";
                self.fail(&path, json!(names), actual.into(), None);
            }
        }
    }

    /// No two of a group ever ran at the same time.
    pub(super) fn apart(&mut self, groups: &[Vec<String>]) {
        let leaves = &self.play.leaves;
        for (place, names) in groups.iter().enumerate() {
            let path = self.at("apart").index(place);
            if !self.all_ran(&path, names) {
                continue;
            }
            let of_group = |leaf: &&Leaf| names.iter().any(|name| is_of(leaf, name));
            let mut all: Vec<&Leaf> = leaves.iter().filter(of_group).collect();
            all.sort_by_key(|leaf| leaf.began);
            let ran_on = all
                .windows(2)
                .find(|pair| pair[1].began < pair[0].ended.unwrap_or(usize::MAX));
            if let Some(pair) = ran_on {
                let (one, other) = (&pair[0].node.display_name, &pair[1].node.display_name);
                let actual = format!("{other} began before {one} had ended");
                self.fail(&path, json!(names), actual.into(), Some(&pair[1].node));
            }
        }
    }
}

/// All texts within a value.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a leaf is a node of this name, one of its attempts, or an item of its loop.
fn is_of(leaf: &Leaf, name: &str) -> bool {
    let node = &leaf.node;
    node.name == name || node.display_name == name || base_name(&node.display_name) == name
}
