//! Artifact stores behind one trait, [`Driver`]: the folder that is the repository of one machine,
//! what stands in the workflow itself (`raw`), and HTTP servers. [`Stores`] picks the one that an
//! artifact's location names.
//!
//! A driver moves files and folders as they are: packing and unpacking is the executor's business.
//! Nothing here decides where an artifact goes, no key ever leads out of its repository, and no
//! secret stands in an error.

mod driver;
mod error;
mod folder;
mod http;
mod key;
pub mod location;
mod raw;
mod secrets;
mod stores;
pub mod tree;

pub use driver::{Driver, Source};
pub use error::{ArtifactError, Attempt};
pub use folder::{Durability, Folder};
pub use http::{Http, root_certificates};
pub use location::StoreKind;
pub use raw::Raw;
pub use secrets::{NoSecrets, SecretMap, Secrets};
pub use stores::Stores;
