//! The owner key: made at the first start, in `DATA/owner.key`, mode 0600.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::start_error::StartError;

const FILE: &str = "owner.key";
const PREFIX: &str = "tn_";

/// The key of this data directory.
pub(super) fn find_or_make(data: &Path) -> Result<String, StartError> {
    let path = data.join(FILE);
    let refused = |reason: String| StartError::OwnerKey { path: path.clone(), reason };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let key = text.trim();
            if key.starts_with(PREFIX) && key.len() >= PREFIX.len() + 32 {
                return Ok(key.to_owned());
            }
            Err(refused("it does not hold a key; remove the file and a new one is made".to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = make().ok_or_else(|| refused("the system gave no random bytes".to_owned()))?;
            write(data, &path, &key).map_err(|error| refused(error.to_string()))?;
            Ok(key)
        }
        Err(error) => Err(refused(error.to_string())),
    }
}

fn make() -> Option<String> {
    let mut random = [0u8; 32];
    SystemRandom::new().fill(&mut random).ok()?;
    let mut key = PREFIX.to_owned();
    for byte in random {
        write!(key, "{byte:02x}").expect("writing to a string cannot fail");
    }
    Some(key)
}

/// Complete or not there: a crash in between leaves no half key behind.
fn write(data: &Path, path: &Path, key: &str) -> io::Result<()> {
    let draft = data.join("owner.key.new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{key}")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    fs::File::open(data)?.sync_all()
}
