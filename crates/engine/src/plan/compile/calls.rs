//! Steps, tasks and hooks, compiled: what they call, with which arguments, how often, and what
//! belongs to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::{Arguments, Call, LifecycleHook, Parameter, Template, TemplateRef};
use serde::Serialize;

use super::{CompileError, Compiler};
use crate::plan::Condition;
use crate::plan::call::{ArgumentPlan, CallPlan, ContinueOn, HookPlan};
use crate::plan::looping::LoopPlan;
use crate::plan::template::StepsPlan;
use crate::plan::{Origin, Text, retry};

/// What steps, tasks and hooks have in common.
#[derive(Default)]
pub(super) struct CallSource<'a> {
    pub(super) name: &'a str,
    pub(super) template: &'a str,
    pub(super) inline: Option<&'a Template>,
    pub(super) template_ref: Option<&'a TemplateRef>,
    pub(super) arguments: Option<&'a Arguments>,
    pub(super) when: &'a str,
    pub(super) continue_on: ContinueOn,
}

impl Compiler<'_> {
    pub(super) fn steps(
        &mut self,
        origin: &Origin,
        template: &Template,
    ) -> Result<StepsPlan, CompileError> {
        let results = ResultReferences::new(template);
        let mut groups = Vec::with_capacity(template.steps.len());
        let mut by_name = BTreeMap::new();
        for (group_index, group) in template.steps.iter().enumerate() {
            let mut calls = Vec::with_capacity(group.0.len());
            for (step_index, step) in group.0.iter().enumerate() {
                let call = self.step_or_task(origin, step.into(), &results)?;
                by_name.insert(call.name.clone(), (group_index as u32, step_index as u32));
                calls.push(Arc::new(call));
            }
            groups.push(calls);
        }
        let watchers = (0u32..)
            .zip(&groups)
            .flat_map(|(number, group)| watchers(number, group))
            .collect();
        Ok(StepsPlan {
            groups,
            by_name,
            watchers,
        })
    }

    /// A step or a task.
    pub(super) fn step_or_task(
        &mut self,
        origin: &Origin,
        call: Call<'_>,
        results: &ResultReferences,
    ) -> Result<CallPlan, CompileError> {
        let continue_on = call.continue_on().map(|on| ContinueOn {
            error: on.error,
            failed: on.failed,
        });
        let mut planned = self.call(
            origin,
            CallSource {
                name: call.name(),
                template: call.template(),
                inline: call.inline(),
                template_ref: call.template_ref(),
                arguments: Some(call.arguments()),
                when: call.when(),
                continue_on: continue_on.unwrap_or_default(),
            },
        )?;
        planned.looping = looping(call)?;
        planned.exit = self.exit_hook(origin, call.hooks(), call.on_exit())?;
        for (name, hook) in call.hooks().iter().filter(|(name, _)| *name != "exit") {
            planned.hooks.push(self.hook(origin, name, hook)?);
        }
        planned.wants_result = results.contains(call.name());
        Ok(planned)
    }

    pub(super) fn hook(
        &mut self,
        origin: &Origin,
        name: &str,
        hook: &LifecycleHook,
    ) -> Result<HookPlan, CompileError> {
        let call = self.call(
            origin,
            CallSource {
                name,
                template: &hook.template,
                template_ref: hook.template_ref.as_ref(),
                arguments: Some(&hook.arguments),
                ..CallSource::default()
            },
        )?;
        let expression = (!hook.expression.is_empty()).then(|| Condition::new(&hook.expression));
        Ok(HookPlan {
            call: Arc::new(call),
            expression,
        })
    }

    /// `hooks.exit`, else `onExit`. Argo: `GetExitHook`.
    pub(super) fn exit_hook(
        &mut self,
        origin: &Origin,
        hooks: &BTreeMap<String, LifecycleHook>,
        on_exit: &str,
    ) -> Result<Option<Box<HookPlan>>, CompileError> {
        if on_exit.is_empty() {
            return hooks
                .get("exit")
                .map(|hook| self.hook(origin, "exit", hook).map(Box::new))
                .transpose();
        }
        let hook = LifecycleHook {
            template: on_exit.to_owned(),
            ..LifecycleHook::default()
        };
        Ok(Some(Box::new(self.hook(origin, "exit", &hook)?)))
    }

    pub(super) fn call(
        &mut self,
        origin: &Origin,
        call: CallSource<'_>,
    ) -> Result<CallPlan, CompileError> {
        let target = self.target(origin, &call)?;
        let (parameters, artifacts) = call.arguments.map_or((&[][..], &[][..]), |arguments| {
            (&arguments.parameters, &arguments.artifacts)
        });
        let parameters = parameters.iter().map(argument).collect::<Result<_, _>>()?;
        Ok(CallPlan {
            name: Arc::from(call.name),
            target,
            template_name: Arc::from(call.template),
            template_ref: call.template_ref.cloned(),
            inline: call.inline.map(|template| Arc::new(template.clone())),
            parameters,
            artifacts_tagged: !artifacts.is_empty() && has_tags(artifacts),
            artifacts: artifacts.to_vec(),
            when: (!call.when.is_empty())
                .then(|| Text::parse(call.when))
                .transpose()?,
            looping: None,
            continue_on: call.continue_on,
            hooks: Vec::new(),
            exit: None,
            wants_result: false,
        })
    }
}

fn argument(parameter: &Parameter) -> Result<ArgumentPlan, CompileError> {
    let value = parameter.value.as_ref();
    Ok(ArgumentPlan {
        name: Arc::from(parameter.name.as_str()),
        value: value.map(|value| Text::parse(value.as_str())).transpose()?,
        value_from: parameter.value_from.clone(),
    })
}

fn looping(call: Call<'_>) -> Result<Option<LoopPlan>, CompileError> {
    let (items, param) = (call.with_items(), call.with_param());
    if !items.is_empty() {
        let tagged = has_tags(items);
        let values = items.iter().map(|item| &item.0);
        return Ok(Some(if tagged {
            LoopPlan::TaggedItems(values.cloned().collect())
        } else {
            LoopPlan::Items(values.map(crate::item::Item::from).collect())
        }));
    }
    if !param.is_empty() {
        return Ok(Some(LoopPlan::Param(Text::parse(param)?)));
    }
    let Some(sequence) = call.with_sequence() else {
        return Ok(None);
    };
    Ok(Some(LoopPlan::Sequence {
        start: retry::number(sequence.start.as_ref())?,
        end: retry::number(sequence.end.as_ref())?,
        count: retry::number(sequence.count.as_ref())?,
        format: Text::parse(&sequence.format)?,
    }))
}

pub(super) fn has_tags<T: Serialize + ?Sized>(value: &T) -> bool {
    serde_json::to_string(value).is_ok_and(|text| text.contains("{{"))
}

/// The names whose `outputs.result` the texts of a template refer to. Argo matches
/// `.NAME.outputs.result` and `['NAME'].outputs.result` in the template's JSON.
pub(super) struct ResultReferences(BTreeSet<String>);

impl ResultReferences {
    pub(super) fn new(template: &Template) -> Self {
        let json = serde_json::to_string(template).unwrap_or_default();
        let mut names = BTreeSet::new();
        for (end, _) in json.match_indices(".outputs.result") {
            let before = &json[..end];
            let name = if let Some(open) = before.strip_suffix(['\'', '"', ']']) {
                let open = open.trim_end_matches(['\'', '"', '\\']);
                open.rsplit(['\'', '"', '\\']).next()
            } else {
                before.rsplit(['.', ' ', '{', '(', '=', '"']).next()
            };
            names.extend(name.map(str::to_owned));
        }
        Self(names)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// The steps of a group whose hooks speak of another one of it, by that one.
fn watchers(number: u32, group: &[Arc<CallPlan>]) -> BTreeMap<(u32, u32), Vec<u32>> {
    let mut found: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
    for (watcher, call) in (0u32..).zip(group) {
        let hooks = call.hooks.iter().chain(call.exit.as_deref());
        let texts: Vec<&str> = hooks
            .filter_map(|hook| Some(&*hook.expression.as_ref()?.source))
            .collect();
        for (watched, sibling) in (0u32..).zip(group) {
            let name = format!("steps.{}.", sibling.name);
            if watched != watcher && texts.iter().any(|text| text.contains(&name)) {
                found.entry((number, watched)).or_default().push(watcher);
            }
        }
    }
    found
}
