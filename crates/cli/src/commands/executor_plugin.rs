//! `argosy executor-plugin`: makes a plugin's ConfigMap of its manifest.
//! Argo: `cmd/argo/commands/executorplugin`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use argosy_api::{ExecutorPluginManifest, Strictness, labels};

use crate::files::{self, Object};
use crate::{output, validation};

/// What generated files begin with.
const GENERATED: &str = "This is an auto-generated file. DO NOT EDIT";

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Build an executor plugin: its ConfigMap and its README, beside its plugin.yaml
    Build {
        /// The folder of plugin.yaml and, if the plugin is a script, of server.*
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Command::Build { folder } = &arguments.command;
    let plugin = load(folder)?;
    let map = plugin.to_config_map()?;
    let name = map["metadata"]["name"].as_str().unwrap_or_default();
    let text = format!("# {GENERATED}\n{}", output::yaml(&map)?);
    write(&folder.join(format!("{name}-configmap.yaml")), &text)?;
    write(&folder.join("README.md"), &readme(&plugin, name))
}

fn load(folder: &Path) -> Result<ExecutorPluginManifest> {
    let path = folder.join("plugin.yaml");
    crate::client::existing(&path)?;
    let parsed = files::parse(&path, Strictness::Strict)?;
    validation::report(&parsed.faults, "nothing was built")?;
    let plugin = parsed
        .objects
        .into_iter()
        .find_map(|(object, _)| match object {
            Object::ExecutorPlugin(plugin) => Some(*plugin),
            _ => None,
        });
    let mut plugin =
        plugin.with_context(|| format!("there is no ExecutorPlugin in {}", path.display()))?;
    if plugin
        .metadata
        .name
        .as_deref()
        .unwrap_or_default()
        .is_empty()
    {
        bail!(
            "the ExecutorPlugin in {} has no metadata.name",
            path.display()
        );
    }
    let mut servers = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("server.") {
            servers.push(entry.path());
        }
    }
    if servers.len() > 1 {
        let name = plugin.metadata.name.as_deref().unwrap_or_default();
        bail!("plugin {name} has more than one server.* file");
    }
    if let Some(server) = servers.first() {
        let code = fs::read_to_string(server)
            .with_context(|| format!("cannot read {}", server.display()))?;
        plugin.spec.sidecar.container.args = Some(vec![code]);
    }
    Ok(plugin)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{} created", path.display());
    Ok(())
}

fn readme(plugin: &ExecutorPluginManifest, map: &str) -> String {
    let annotation = |key: &str| {
        let annotations = plugin.metadata.annotations.as_ref();
        annotations
            .and_then(|annotations| annotations.get(key))
            .map(String::as_str)
            .unwrap_or_default()
    };
    let name = plugin.metadata.name.as_deref().unwrap_or_default();
    let image = plugin
        .spec
        .sidecar
        .container
        .image
        .as_deref()
        .unwrap_or_default();
    format!(
        "<!-- {GENERATED} -->\n# {name}\n\n* Needs: {}\n* Image: {image}\n\n{}\n\n\
         Install:\n\n    kubectl apply -f {map}-configmap.yaml\n\n\
         Uninstall:\n\n    kubectl delete cm {map}\n",
        annotation(labels::VERSION),
        annotation(labels::DESCRIPTION),
    )
}
