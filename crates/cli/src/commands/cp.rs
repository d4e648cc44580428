//! `argosy cp`: copies a workflow's artifacts into a folder.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use argosy_api::{Artifact, NodeStatus, Workflow};
use argosy_artifacts::{Driver, Folder, Stores, location};

use crate::client::Client;
use crate::options::Global;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
    /// The folder
    output_directory: PathBuf,
    /// Those of this node, by its ID
    #[arg(long)]
    node_id: Option<String>,
    /// Those of this template's nodes
    #[arg(long)]
    template_name: Option<String>,
    /// Those of this name
    #[arg(long)]
    artifact_name: Option<String>,
    /// Where each is put, with {namespace}, {workflowName}, {nodeId}, {templateName}, {artifactName}
    #[arg(
        long,
        default_value = "{namespace}/{workflowName}/{nodeId}/outputs/{artifactName}"
    )]
    path: String,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let workflow = client.load(row.id)?.workflow();
    let folder = Folder::new(client.data_dir.join("artifacts"));
    let stores = Stores::new(&folder);
    let mut copied = 0;
    for node in workflow.status.nodes.values() {
        for artifact in found(node, arguments) {
            let place = arguments
                .path
                .replacen("{templateName}", template_name(node), 1)
                .replacen("{namespace}", &row.namespace, 1)
                .replacen("{workflowName}", &row.name, 1)
                .replacen("{nodeId}", &node.id, 1)
                .replacen("{artifactName}", &artifact.name, 1);
            let to = arguments.output_directory.join(inner(&place)?);
            let file = copy(&stores, &workflow, node, artifact, &to)?;
            println!("Created {}", file.display());
            copied += 1;
        }
    }
    if copied == 0 {
        bail!("workflow {} has no such output artifact", row.name);
    }
    Ok(())
}

/// The artifacts of a node that are meant.
fn found<'a>(node: &'a NodeStatus, arguments: &'a Arguments) -> impl Iterator<Item = &'a Artifact> {
    let fits =
        |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
    let meant = fits(&arguments.node_id, &node.id)
        && fits(&arguments.template_name, template_name(node))
        // What a template above passes on is the same artifact again.
        && !matches!(
            node.r#type,
            Some(argosy_api::NodeType::Retry | argosy_api::NodeType::TaskGroup)
        );
    node.outputs
        .iter()
        .filter(move |_| meant)
        .flat_map(|outputs| &outputs.artifacts)
        .filter(move |artifact| fits(&arguments.artifact_name, &artifact.name))
}

fn template_name(node: &NodeStatus) -> &str {
    match &node.template_ref {
        Some(reference) => &reference.template,
        None => &node.template_name,
    }
}

/// A path that leads nowhere but down.
fn inner(path: &str) -> Result<&Path> {
    let path = Path::new(path.trim_start_matches('/'));
    if path
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return Ok(path);
    }
    bail!("--path {} leads out of the folder", path.display())
}

fn copy(
    stores: &Stores<'_>,
    workflow: &Workflow,
    node: &NodeStatus,
    artifact: &Artifact,
    to: &Path,
) -> Result<PathBuf> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let key = artifact.key().unwrap_or(&artifact.name);
    let name = key
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let file = to.join(name);
    if file.exists() {
        bail!("{} is there already", file.display());
    }
    let archive = workflow
        .spec
        .templates
        .iter()
        .find(|template| template.name == node.template_name)
        .and_then(|template| template.archive_location.as_deref());
    stores
        .load(&location::relocated(artifact, archive), &file)
        .with_context(|| format!("cannot copy artifact {} of node {}", artifact.name, node.id))?;
    Ok(file)
}
