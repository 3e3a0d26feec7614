//! `examples/orders` as the demo deploys it.

use anyhow::{Context, Result};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the example expects its CRM.
pub(crate) const CRM_ADDRESS: &str = "127.0.0.1:7071";

/// The example's folder; where the CRM is somewhere else, a copy in `directory` that says so.
pub(crate) fn prepare(crm: SocketAddr, directory: &Path) -> Result<PathBuf> {
    let example = crate::repository::root().join("examples/orders");
    if crm.to_string() == CRM_ADDRESS {
        return Ok(example);
    }
    let copy = directory.join("orders");
    copy_with(&example, &copy, &crm.to_string())?;
    Ok(copy)
}

fn copy_with(from: &Path, to: &Path, crm: &str) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("could not read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_with(&entry.path(), &target, crm)?;
        } else {
            fs::write(target, fs::read_to_string(entry.path())?.replace(CRM_ADDRESS, crm))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crm_elsewhere_gets_a_copy_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = "127.0.0.1:12345".parse().unwrap();
        let copy = prepare(elsewhere, directory.path()).unwrap();
        let workflow = fs::read_to_string(copy.join("workflows/order-to-crm.yaml")).unwrap();
        assert!(workflow.contains("http://127.0.0.1:12345/orders") && !workflow.contains(CRM_ADDRESS));
        assert!(copy.join("tenon.yaml").exists() && copy.join("triggers/orders.yaml").exists());
    }

    #[test]
    fn its_workflow_compiles_without_a_warning() {
        let file = crate::repository::root().join("examples/orders/workflows/order-to-crm.yaml");
        let document = tenon_workflow::Document::parse(&fs::read_to_string(file).unwrap()).unwrap();
        tenon_workflow::compile(&document).unwrap();
        let mut found = tenon_workflow::lint(&document);
        found.retain(|finding| finding.severity != tenon_workflow::Severity::Information);
        assert_eq!(found, []);
    }

    #[test]
    fn the_usual_crm_gets_the_example_itself() {
        let directory = tempfile::tempdir().unwrap();
        let usual = CRM_ADDRESS.parse().unwrap();
        assert!(prepare(usual, directory.path()).unwrap().ends_with("examples/orders"));
    }
}
