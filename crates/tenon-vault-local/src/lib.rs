//! A master key in a local file or in a text (an environment variable).
//!
//! The file holds one line, `tenon-master-key-1:` and 32 bytes in base64. It must be readable by its owner
//! only. It is made at first start; it is never made anew for data that was encrypted with another one. This
//! crate does not know where the file lives by default: the binary does.

mod file;
mod key_files;
mod master_key;
mod vault;

pub use file::Create;
pub use key_files::{KeyFiles, Origin};
pub use vault::{Error, LocalVault};
