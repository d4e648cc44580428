//! `argosy apply`: keeps templates, cron workflows, executor plugins, ConfigMaps, Secrets and volume
//! claims.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use argosy_engine::validate::Purpose;

use crate::client::Client;
use crate::files::{self, Fault, Object};
use crate::given::Given;
use crate::options::Global;
use crate::shelf::{Kept, Shelf};
use crate::validation::{self, Origin};

#[derive(clap::Args)]
pub struct Arguments {
    /// Files and folders; `-` is standard input
    #[arg(short, long = "filename", required = true)]
    filenames: Vec<PathBuf>,
    #[command(flatten)]
    reading: files::Reading,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    for object in read(&client, &arguments.filenames, arguments.reading, is_kept)? {
        let applied = crate::submission::keep(&client, &object)?;
        let done = if applied.is_new {
            "created"
        } else {
            "configured"
        };
        println!("{} {done}", resource(applied.kind, &applied.name));
    }
    Ok(())
}

fn is_kept(object: &Object) -> Result<bool> {
    match object {
        Object::Workflow(_) => bail!("a Workflow is not applied but submitted: argosy submit FILE"),
        Object::Other(other) => bail!(
            "a {} is not kept here; templates, cron workflows, event bindings, executor plugins, ConfigMaps, Secrets and PersistentVolumeClaims are",
            other.kind
        ),
        _ => Ok(true),
    }
}

/// `workflowtemplate.argoproj.io/name`, as `kubectl` writes it.
pub fn resource(kind: argosy_store::ObjectKind, name: &str) -> String {
    format!("{}{}/{name}", kind.as_str().to_lowercase(), kind.group())
}

/// Reads the wanted objects of files and checks them, all faults at once. They may refer to each
/// other.
pub fn read(
    client: &Client,
    paths: &[PathBuf],
    reading: files::Reading,
    wanted: impl Fn(&Object) -> Result<bool>,
) -> Result<Vec<Object>> {
    let mut faults = Vec::new();
    let mut objects = Vec::new();
    let mut shelf = Shelf::new(Some(&*client.store));
    for path in files::expand(paths)? {
        crate::client::existing(&path)?;
        let parsed = files::parse(&path, reading.strictness())?;
        faults.extend(parsed.faults);
        for (object, document) in parsed.objects {
            if !wanted(&object).with_context(|| path.display().to_string())? {
                continue;
            }
            if let Some(kept) = Kept::of(&object, &client.namespace)? {
                shelf.put(kept);
            }
            let origin = Origin {
                file: path.display().to_string(),
                text: parsed.text.clone(),
                document,
            };
            objects.push((object, origin));
        }
    }
    validation::report(&faults, "nothing was kept")?;
    for (object, origin) in &objects {
        if let Object::ConfigMap(map) = object {
            let found = crate::controller::faults(map);
            let placed = found.into_iter().map(|fault| origin.document.place(fault));
            faults.extend(placed.map(|fault| Fault::new(&origin.file, &origin.text, fault)));
        }
        if let Some(known) = validation::gathered(object, &shelf, &client.namespace)? {
            faults.extend(validation::faults(
                object,
                Some(origin),
                &Given::default(),
                known,
                Purpose::Create,
                None,
            ));
        }
    }
    validation::report(&faults, "nothing was kept")?;
    if objects.is_empty() {
        bail!("nothing of that kind was found in given files");
    }
    Ok(objects.into_iter().map(|(object, _)| object).collect())
}
