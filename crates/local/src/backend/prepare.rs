//! From a pod as it is asked for to processes that the keeper can start.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argosy_api::Template;
use argosy_artifacts::Stores;
use argosy_engine::duration;
use argosy_engine::effect::{Layout as Wanted, PodRequest, Script, Supervision};
use argosy_engine::ids::PodKey;
use argosy_executor::{PathMap, Workspace, stage_inputs};
use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Shared;
use super::arguments::{MAX_TEXT, argv, check_variables, is_long};
use super::finish::NamespaceSecrets;
use super::kept::{ContainerProbe, Kept, KeptLog, Supervised};
use crate::claims;
use crate::environment::variables;
use crate::layout::{Layout, Places, declares_paths, lay_out};
use crate::protocol::{Process, Role, Spawn};
use crate::spawn::namespaces_work;
use crate::{Surroundings, log_path, pod_dir};

/// A pod, ready for the keeper.
pub(super) struct Prepared {
    pub spawn: Spawn,
    pub kept: Option<Arc<Kept>>,
    pub surroundings: Arc<Surroundings>,
}

/// A pod that is one process, with nothing to be made, staged, watched or collected.
pub(super) fn is_plain(request: &PodRequest) -> bool {
    let Some(spec) = &request.pod.spec else {
        return false;
    };
    let init = spec.init_containers.as_deref().unwrap_or_default();
    matches!(request.layout, Wanted::Bare)
        && !request.daemon
        && init.is_empty()
        && spec.containers.len() == 1
        && !declares_paths(None, &spec.containers[0])
        && !is_long(&spec.containers[0])
}

/// A container with what it is in its pod.
struct Part<'a> {
    container: &'a Container,
    role: Role,
    after: Vec<u16>,
}

/// The containers of a pod in the order in which they may begin.
fn parts<'a>(pod: &'a Pod, supervision: Option<&Supervision>) -> Vec<Part<'a>> {
    let Some(spec) = &pod.spec else {
        return Vec::new();
    };
    let mut parts: Vec<Part<'a>> = Vec::new();
    for container in spec.init_containers.iter().flatten() {
        parts.push(Part {
            container,
            role: Role::Init,
            after: last(parts.len()),
        });
    }
    let inits = parts.len();
    let set = supervision.and_then(|supervision| supervision.template.container_set.as_ref());
    let in_set = |name: &str| {
        set.and_then(|set| {
            set.containers
                .iter()
                .find(|container| container.name == name)
        })
    };
    // What stands beside the containers that do the work is always supervised.
    let is_main = |name: &str| {
        supervision.is_none_or(|supervision| supervision.template.is_main_container(name))
    };
    for container in &spec.containers {
        let role = if is_main(&container.name) {
            Role::Main
        } else {
            Role::Sidecar
        };
        let dependencies = in_set(&container.name).map(|node| node.dependencies.as_slice());
        let mut after = last(inits);
        after.extend(dependencies.unwrap_or_default().iter().filter_map(|name| {
            let place = spec
                .containers
                .iter()
                .position(|other| other.name == *name)?;
            u16::try_from(inits + place).ok()
        }));
        parts.push(Part {
            container,
            role,
            after,
        });
    }
    parts
}

/// How it is found out whether a container is ready, if it says so.
fn probe_of(container: &Container, process: &Process) -> Option<ContainerProbe> {
    let probe = container.readiness_probe.clone()?;
    Some(ContainerProbe {
        container: container.name.clone(),
        probe,
        ports: named_ports(container),
        working_directory: process.working_directory.clone(),
        environment: process.environment.clone(),
    })
}

/// The place before this one, if there is one.
fn last(place: usize) -> Vec<u16> {
    place
        .checked_sub(1)
        .and_then(|place| u16::try_from(place).ok())
        .into_iter()
        .collect()
}

/// A pod on its way.
pub(super) struct Preparing<'a> {
    key: PodKey,
    pod: &'a Pod,
    supervision: Option<&'a Supervision>,
    pub dir: PathBuf,
    surroundings: &'a Surroundings,
}

impl Shared {
    /// Makes what a pod needs on disk, and says how to start it.
    pub(super) fn prepare(&self, request: PodRequest, slots: u32) -> Result<Prepared, String> {
        let is_plain = is_plain(&request);
        let PodRequest {
            key,
            pod,
            layout,
            daemon,
            ..
        } = request;
        let supervision = match layout {
            Wanted::Bare => None,
            Wanted::Supervised(supervision) => Some(*supervision),
        };
        let surroundings = self.surroundings(key.run)?;
        let preparing = Preparing {
            key,
            pod: &pod,
            supervision: supervision.as_ref(),
            dir: pod_dir(&self.config.data_dir, key),
            surroundings: &surroundings,
        };
        let mut processes = Vec::new();
        let mut layouts = Vec::new();
        let mut probes = Vec::new();
        for part in parts(&pod, supervision.as_ref()) {
            refuse_executor_step(part.container)?;
            let (process, layout) = self.process(&preparing, &part)?;
            probes.extend(probe_of(part.container, &process).filter(|_| daemon));
            processes.push(process);
            layouts.push((part.container.name.as_str(), layout));
        }
        if processes.is_empty() {
            return Err("the pod has no container".to_owned());
        }
        let kept = if is_plain {
            None
        } else {
            let kept = Kept {
                namespace: pod.metadata.namespace.clone().unwrap_or_default(),
                supervised: supervision
                    .as_ref()
                    .map(|supervision| preparing.supervised(supervision, &processes, &layouts)),
                daemon,
                probes,
            };
            kept.write(&preparing.dir)
                .map_err(|error| format!("cannot write {}: {error}", preparing.dir.display()))?;
            Some(Arc::new(kept))
        };
        let deadline_seconds = pod
            .spec
            .as_ref()
            .and_then(|spec| spec.active_deadline_seconds)
            .and_then(|seconds| u64::try_from(seconds).ok());
        Ok(Prepared {
            spawn: Spawn {
                key,
                processes,
                deadline_seconds,
                slots,
                is_bound: false,
            },
            kept,
            surroundings: surroundings.clone(),
        })
    }

    fn process(
        &self,
        preparing: &Preparing<'_>,
        part: &Part<'_>,
    ) -> Result<(Process, Layout), String> {
        let Part {
            container, role, ..
        } = part;
        let objects = &*self.config.objects;
        let supervision = preparing.supervision.filter(|_| *role == Role::Main);
        let template = supervision.map(|supervision| &supervision.template);
        let here = &preparing.surroundings.working_directory;
        let mut environment = variables(preparing.pod, container, objects)
            .map_err(|error| format!("CreateContainerConfigError: {}", error.0))?;
        let layout = if declares_paths(template, container) {
            if let Err(reason) = self.namespaces.get_or_init(namespaces_work) {
                return Err(format!(
                    "the step declares paths, for which it needs a mount namespace of its own: {reason}"
                ));
            }
            let places = Places {
                pod: &preparing.dir,
                own: preparing.own_dir(&container.name),
                environment: &environment,
                working_directory: here,
                claim: &|namespace, name| {
                    let config = &self.config;
                    claims::mounted(&config.data_dir, &*config.store, namespace, name)
                },
            };
            lay_out(preparing.pod, container, template, &places, objects)?
        } else {
            Layout::default()
        };
        let mut arguments = container.args.clone().unwrap_or_default();
        if let Some(supervision) = supervision {
            self.stage(preparing, supervision, &layout)?;
            preparing.add_variables(supervision, &layout, &mut environment);
            if let Some(script) = &supervision.script {
                preparing.put_script(script, &layout, &mut arguments)?;
            }
        }
        check_variables(&environment)?;
        let attempts = attempts(template)?;
        let captures = supervision.is_some_and(|supervision| supervision.capture_result)
            && container.name == "main";
        let log = |name: &str| log_path(&self.config.data_dir, preparing.key, name);
        let process = Process {
            name: container.name.as_str().into(),
            role: *role,
            after: part.after.clone(),
            attempts: attempts.0,
            pause_milliseconds: attempts.1,
            argv: preparing.shortened(argv(container, arguments, &environment)?, &layout)?,
            environment: environment.into_iter().collect(),
            working_directory: match container.working_dir.as_deref().unwrap_or_default() {
                // As in a container, what is written beside is written below `/`.
                "" if layout.has_own_root() => PathBuf::from("/"),
                "" => here.clone(),
                own => PathBuf::from(own),
            },
            log: log(&container.name),
            capture: captures.then(|| preparing.dir.join("output")),
            mounts: layout.mounts.clone(),
        };
        Ok((process, layout))
    }

    fn stage(
        &self,
        preparing: &Preparing<'_>,
        supervision: &Supervision,
        layout: &Layout,
    ) -> Result<(), String> {
        fs::create_dir_all(&preparing.dir)
            .map_err(|error| format!("cannot make {}: {error}", preparing.dir.display()))?;
        let secrets = NamespaceSecrets {
            objects: &*self.config.objects,
            namespace: preparing
                .pod
                .metadata
                .namespace
                .as_deref()
                .unwrap_or_default(),
        };
        stage_inputs(
            &supervision.template,
            &layout.paths(),
            &Stores::with_secrets(&self.folder, &secrets),
            &Workspace::new(&preparing.dir),
        )
        .map_err(|error| format!("failed to load artifacts: {error}"))
    }

    /// How many slots a pod takes: the cores that it asks for, one if it asks for none.
    pub(super) fn slots_of(&self, pod: &Pod) -> Result<u32, String> {
        let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
        let asked: f64 = containers.filter_map(cores).sum();
        let slots = (asked.ceil() as u32).max(1);
        let total = self.slots();
        if slots > total {
            return Err(format!(
                "the step asks for {asked} cores, and this machine gives {total} in all: ask for fewer (resources.requests.cpu), or allow more with --max-processes"
            ));
        }
        Ok(slots)
    }
}

/// The cores that a container asks for.
fn cores(container: &Container) -> Option<f64> {
    let resources = container.resources.as_ref()?;
    let of = |list: &Option<BTreeMap<String, _>>| {
        let quantity: &k8s_openapi::apimachinery::pkg::api::resource::Quantity =
            list.as_ref()?.get("cpu")?;
        argosy_engine::run::quantity(&quantity.0)
    };
    of(&resources.requests).or_else(|| of(&resources.limits))
}

impl Preparing<'_> {
    /// The folder that a container has for itself.
    fn own_dir(&self, container: &str) -> PathBuf {
        match container {
            "main" => self.dir.clone(),
            other => self.dir.join("containers").join(other),
        }
    }

    /// Where a file of the executor's lies that the step shall see: the path that the step is told.
    /// In a namespace the step's own `/tmp` may cover the data directory.
    pub(super) fn inside(&self, layout: &Layout, name: &str) -> PathBuf {
        if layout.mounts.is_empty() {
            self.dir.join(name)
        } else {
            Path::new("/tmp/.argosy").join(name)
        }
    }

    /// What Argo's executor tells the containers that it supervises.
    fn add_variables(
        &self,
        supervision: &Supervision,
        layout: &Layout,
        environment: &mut BTreeMap<String, String>,
    ) {
        let progress = self.inside(layout, "progress");
        environment.insert(
            "ARGO_PROGRESS_FILE".to_owned(),
            progress.to_string_lossy().into_owned(),
        );
        if let Some(folder) = layout
            .paths()
            .host_path(&progress.to_string_lossy())
            .parent()
        {
            // Without it the step reports no progress; that is no reason to keep it from running.
            let _ = fs::create_dir_all(folder);
        }
        let template = serde_json::to_string(&supervision.template).unwrap_or_default();
        let template = if template.len() < MAX_TEXT - "ARGO_TEMPLATE=".len() {
            template
        } else {
            "offloaded".to_owned()
        };
        environment.insert("ARGO_TEMPLATE".to_owned(), template);
    }

    /// Writes a script's source, and puts its path where the lowered pod has a place for it.
    fn put_script(
        &self,
        script: &Script,
        layout: &Layout,
        arguments: &mut [String],
    ) -> Result<(), String> {
        let inside = self.inside(layout, "script");
        let path = layout.paths().host_path(&inside.to_string_lossy());
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, &script.source))
            // Argo: `StageFiles` makes it a program of its own, as for `sh -c`.
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)))
            .map_err(|error| format!("cannot write the script: {error}"))?;
        if let Some(argument) = arguments.get_mut(script.argument_index) {
            *argument = inside.to_string_lossy().into_owned();
        }
        Ok(())
    }

    fn supervised(
        &self,
        supervision: &Supervision,
        processes: &[Process],
        layouts: &[(&str, Layout)],
    ) -> Supervised {
        // Outputs come from the container `main`; a set without one has none.
        let main = layouts.iter().find(|(name, _)| *name == "main");
        let layout = main.map(|(_, layout)| layout.clone()).unwrap_or_default();
        let progress = self.inside(&layout, "progress");
        let logs = processes.iter().map(|process| KeptLog {
            container: process.name.to_string(),
            log: process.log.clone(),
            capture: process.capture.clone(),
        });
        Supervised {
            template: supervision.template.clone(),
            capture_result: supervision.capture_result,
            progress_file: layout.paths().host_path(&progress.to_string_lossy()),
            backed: layout.backed.into_iter().collect(),
            logs: logs.collect(),
        }
    }
}

/// How often a container of a set is begun, and the milliseconds in between.
/// Argo: `ContainerSetTemplate.GetRetryStrategy`.
fn attempts(template: Option<&Template>) -> Result<(u32, u64), String> {
    let set = template.and_then(|template| template.container_set.as_ref());
    let Some(strategy) = set.and_then(|set| set.retry_strategy.as_ref()) else {
        return Ok((1, 0));
    };
    let attempts = match &strategy.retries {
        None => return Ok((1, 0)),
        Some(IntOrString::Int(count)) => *count,
        // Go takes a text that is no number for none.
        Some(IntOrString::String(count)) => count.parse().unwrap_or(0),
    };
    let pause = match strategy.duration.as_str() {
        "" => 0,
        text => duration::parse_nanoseconds(text)
            .map_err(|error| format!("failed to get retry strategy: {error}"))?,
    };
    let milliseconds = u64::try_from(pause / 1_000_000).map_err(|_| {
        let text = &strategy.duration;
        format!(
            "failed to get retry strategy: duration has to be positive, current duration: {text}"
        )
    })?;
    Ok((u32::try_from(attempts).unwrap_or(0), milliseconds))
}

fn named_ports(container: &Container) -> Vec<(String, u16)> {
    container
        .ports
        .iter()
        .flatten()
        .filter_map(|port| Some((port.name.clone()?, u16::try_from(port.container_port).ok()?)))
        .collect()
}

/// `resource` steps act on a cluster, by the executor's own image.
fn refuse_executor_step(container: &Container) -> Result<(), String> {
    if container.image.as_deref() == Some(argosy_engine::lower::EXECUTOR_IMAGE) {
        return Err("a resource step can't run under --host: it acts on a cluster".to_owned());
    }
    Ok(())
}
