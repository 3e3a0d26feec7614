//! What all scenarios of a run share: one Tenon in a process of its own, and the stand-in it calls.

use super::authority::Authority;
use super::client::Client;
use super::hosts::{self, Transport};
use super::secrets::Secrets;
use super::stand_in::StandIn;
use crate::server::{Place, Server};
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use tempfile::TempDir;

/// A running Tenon with everything that it may call.
pub(super) struct Stage {
    server: Mutex<Option<Server>>,
    address: SocketAddr,
    key: String,
    pub(super) stand_in: StandIn,
    pub(super) secrets: Secrets,
    /// Which feature publishes which types of events: all workflows see all events.
    types: Mutex<HashMap<String, String>>,
    directory: TempDir,
}

impl Stage {
    /// Starts both; every host that the texts name leads to the stand-in.
    pub(super) fn open<'a>(binary: PathBuf, texts: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let hosts = hosts::named(texts);
        let mut names: Vec<String> = hosts.keys().map(|(host, _)| host.clone()).collect();
        names.dedup();
        let authority = Authority::new(names).context("could not make certificates")?;
        let stand_in = StandIn::start(&authority)?;
        let directory = tempfile::Builder::new().prefix("tenon-conformance-").tempdir()?;
        let roots = directory.path().join("roots.pem");
        fs::write(&roots, &authority.root)?;
        let addresses = hosts.iter().map(|((host, port), transport)| {
            let to = if *transport == Transport::Tls { stand_in.tls } else { stand_in.plain };
            format!("{host}:{port}={to}")
        });
        let resolve = addresses.collect::<Vec<_>>().join(",");
        let place = Place::new(binary, directory.path().to_owned())?
            .with_setting("TENON_OUTBOUND_RESOLVE", &resolve)
            .with_setting("TENON_OUTBOUND_ROOTS", &roots.to_string_lossy());
        let server = place.start()?;
        let (address, key) = (server.address(), server.key().to_owned());
        let (server, types, secrets) = (Mutex::new(Some(server)), Mutex::default(), Secrets::default());
        Ok(Self { server, address, key, stand_in, secrets, types, directory })
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.address, &self.key)
    }

    /// Kills the server and starts it again on the same data, at the same address.
    pub(super) fn restart(&self, client: &mut Client) -> Result<()> {
        let mut server = self.server.lock().expect("no thread panics while it restarts the server");
        let running = server.take().context("an earlier restart failed")?;
        *server = Some(running.kill()?.start()?);
        client.reconnect(self.address);
        Ok(())
    }

    /// An error if a secret of a scenario is in anything that the server keeps or shows of itself.
    pub(super) fn keeps_secrets(&self) -> Result<()> {
        let metrics =
            self.client().get("/metrics").map_or_else(|error| error.to_string(), |text| text.to_string());
        self.secrets.absent("the metrics", metrics.as_bytes())?;
        self.secrets.absent_below(self.directory.path())
    }

    /// Notes who publishes a type of event; an error where another feature does, too.
    pub(super) fn publishes(&self, feature: &str, kind: &str) -> Result<()> {
        let mut types = self.types.lock().expect("no thread panics while it holds the types");
        let owner = types.entry(kind.to_owned()).or_insert_with(|| feature.to_owned());
        anyhow::ensure!(
            owner == feature,
            "events of type `{kind}` are published by {owner}, too, and every workflow sees them; \
             take another type"
        );
        Ok(())
    }
}
