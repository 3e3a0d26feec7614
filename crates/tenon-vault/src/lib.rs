//! Port: keys and secrets.
//!
//! A [`Vault`] holds the master key and does nothing but wrap and unwrap data keys, so that it can be a file,
//! an environment variable or a key service. A [`DataKey`] belongs to one workspace and lives, wrapped, beside
//! the data; a [`Sealer`] encrypts with it. Nothing here reads files, environments or clocks.

mod data_key;
mod place;
mod sealer;
mod subkeys;
mod vault;

pub use data_key::DataKey;
pub use place::Place;
pub use sealer::Sealer;
pub use vault::{Error, Vault};
