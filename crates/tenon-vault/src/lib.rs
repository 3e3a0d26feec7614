//! Port: keys and secrets.
//!
//! A [`Vault`] holds the master key and does nothing but wrap and unwrap data keys, so that it can be a file,
//! an environment variable or a key service. A [`DataKey`] belongs to one workspace and lives, wrapped, beside
//! the data; a [`Sealer`] encrypts with it. [`DataKeys`] and [`MasterKeys`] change keys while everything runs.
//! Nothing here reads files, environments or clocks.

mod data_key;
mod place;
mod rotation;
mod sealer;
mod subkeys;
mod vault;

pub use data_key::DataKey;
pub use place::Place;
pub use rotation::{
    By, DataKeyInfo, DataKeys, KeyRole, MAX_DATA_KEYS, MasterKey, MasterKeys, NewMasterKey, Refused,
};
pub use sealer::Sealer;
pub use vault::{Error, Vault};
