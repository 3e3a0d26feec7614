//! Configuration of `tenon up`: defaults < TOML file < `TENON_*` < flags, resolved once into typed values.
//!
//! Every setting is declared once, in [`settings!`] below. The flags of `tenon up`, the variables, the keys of the
//! file, `--print-config`, `tenon doctor` and `docs/configuration.md` all come from that declaration. Only this
//! module decides; nothing behind it reads a variable or a file.

mod args;
mod document;
mod error;
mod layers;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::environment::Environment;
use crate::setting::Setting;

pub(crate) use args::UpArgs;
pub(crate) use document::{json, markdown, table};
pub(crate) use error::Error;
use layers::Layers;
use value::Value;
pub(crate) use value::{Bytes, HostRates, LogFormat, Networks, PrivateAddresses, Resolutions, Roles, Secret};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// The key in the file; `limits.event` is `event` under `[limits]`.
    pub(crate) key: &'static str,
    pub(crate) help: &'static str,
    /// As it would be written; a leading `$XDG_…_HOME` is expanded.
    pub(crate) default: &'static str,
    /// What may be written, e.g. `bytes`.
    pub(crate) shape: &'static str,
    /// Only from the environment, and never shown.
    pub(crate) secret: bool,
}

/// One resolved value, ready to be shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) key: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
}

macro_rules! settings {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty = $key:literal, $default:literal;)+) => {
        /// Everything the server is told from outside. Each value knows where it came from.
        #[derive(Debug)]
        pub(crate) struct UpSettings {
            $($(#[doc = $help])+ pub(crate) $field: Setting<$kind>,)+
        }

        /// All settings, in the order of the documentation.
        pub(crate) const TABLE: &[Entry] = &[$(Entry {
            key: $key,
            help: concat!($($help),+),
            default: $default,
            shape: <$kind as Value>::SHAPE,
            secret: <$kind as Value>::SECRET,
        }),+];

        impl UpSettings {
            fn read(layers: &Layers<'_>) -> Result<Self, Error> {
                Ok(Self { $($field: layers.value::<$kind>($key, $default)?,)+ })
            }

            /// Every value with where it came from.
            pub(crate) fn shown(&self) -> Vec<Shown> {
                vec![$(Shown {
                    key: $key,
                    value: self.$field.value.shown(),
                    origin: self.$field.origin.to_string(),
                }),+]
            }
        }
    };
}

settings! {
    /// Directory of the database, its lock and the owner key; one process at a time.
    data: PathBuf = "data", "$XDG_DATA_HOME/tenon";
    /// Address and port of the one HTTP listener; port 0 takes a free one.
    listen: SocketAddr = "listen", "127.0.0.1:7070";
    /// Which runtimes this process carries; only `all` in this version.
    role: Roles = "role", "all";
    /// A proxy in front of Tenon does TLS; needed to listen beyond loopback.
    behind_proxy: bool = "behind_proxy", "false";
    /// File of the master key that wraps all data keys, made at the first start; keep it outside of the data directory and in your backups.
    master_key_file: PathBuf = "master_key_file", "$XDG_CONFIG_HOME/tenon/master.key";
    /// The master key itself, instead of its file.
    master_key: Option<Secret> = "master_key", "";
    /// Largest event, in bytes.
    limits_event: Bytes = "limits.event", "1MiB";
    /// Largest request body of anything else, in bytes.
    limits_body: Bytes = "limits.body", "32MiB";
    /// Bytes of free disk below which nothing more is accepted.
    limits_free_disk: Bytes = "limits.free_disk", "64MiB";
    /// Jobs of one workspace that wait for their turn, beyond which nothing new is taken for it: 429.
    limits_backlog_jobs: usize = "limits.backlog_jobs", "1000000";
    /// Bytes of their events, about, beyond which nothing new is taken for the workspace.
    limits_backlog_bytes: Bytes = "limits.backlog_bytes", "8GiB";
    /// How long a job may wait that lacks nothing but its turn, before nothing new is taken for its workspace.
    limits_backlog_age: Duration = "limits.backlog_age", "10m";
    /// Jobs of one workspace that are at work at once; 0: its share of what the server has.
    limits_workspace_concurrency: u32 = "limits.workspace_concurrency", "0";
    /// Jobs that are at work at once; one workspace has at most eight times as many as are free.
    worker_effects: usize = "worker.effects", "1024";
    /// How long a stop waits for what runs.
    shutdown_drain: Duration = "shutdown.drain", "10s";
    /// How long an outbound call may take to connect.
    outbound_connect_timeout: Duration = "outbound.connect_timeout", "10s";
    /// How long a whole outbound call may take.
    outbound_timeout: Duration = "outbound.timeout", "60s";
    /// Largest body of an answer to an outbound call, in bytes.
    outbound_body: Bytes = "outbound.body", "32MiB";
    /// Redirects that one outbound call follows.
    outbound_redirects: u32 = "outbound.redirects", "5";
    /// Whether outbound calls may reach loopback and private addresses: `auto` (only while Tenon listens on loopback), `allow` or `refuse`.
    outbound_private: PrivateAddresses = "outbound.private", "auto";
    /// Networks that outbound calls may reach besides public ones, e.g. `10.1.0.0/16,192.168.7.4`.
    outbound_allow: Networks = "outbound.allow", "";
    /// Names that outbound calls find elsewhere, e.g. `api.example.com:443=127.0.0.1:8443`; such an address may be private.
    outbound_resolve: Resolutions = "outbound.resolve", "";
    /// How fast hosts are called, e.g. `api.example.com=10/s,*.example.org=100/m`; calls wait for their turn.
    outbound_rates: HostRates = "outbound.rates", "";
    /// PEM file of certificate authorities that outbound calls trust besides the machine's.
    outbound_roots: Option<PathBuf> = "outbound.roots", "";
    /// How long finished jobs with their events are kept.
    retention_jobs: Duration = "retention.jobs", "30d";
    /// How long the payloads of finished jobs are kept (their input, journal and result, and their events' data); empty: as long as the job.
    retention_payloads: Option<Duration> = "retention.payloads", "";
    /// What is logged, e.g. `info` or `warn,tenon_worker=debug`.
    log_filter: String = "log.filter", "info";
    /// How it is logged: `text` or `json`.
    log_format: LogFormat = "log.format", "text";
}

impl UpSettings {
    /// Puts defaults, file, environment and flags together; `args` are those of `tenon up`.
    pub(crate) fn resolve(args: &UpArgs, environment: &Environment) -> Result<Self, Error> {
        let layers = Layers::read(args, environment)?;
        Self::read(&layers)
    }
}

/// `TENON_LIMITS_EVENT` for `limits.event`.
pub(crate) fn variable(key: &str) -> String {
    format!("TENON_{}", key.replace('.', "_").to_uppercase())
}

/// `limits-event` for `limits.event`.
fn flag(key: &str) -> String {
    key.replace(['.', '_'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve<const N: usize>(args: &[&str], variables: [(&str, &str); N]) -> Result<UpSettings, Error> {
        use clap::Args as _;
        let command = UpArgs::augment_args(clap::Command::new("up").no_binary_name(true));
        let matches = command.try_get_matches_from(args).expect("arguments that parse");
        let args = clap::FromArgMatches::from_arg_matches(&matches).expect("arguments that fit");
        UpSettings::resolve(&args, &Environment::of(&variables))
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        file
    }

    #[test]
    fn every_default_can_be_read() {
        let settings = resolve(&[], [("HOME", "/home/ada")]).expect("defaults");
        assert_eq!(settings.data.value, PathBuf::from("/home/ada/.local/share/tenon"));
        assert_eq!(settings.limits_event.value, Bytes(1024 * 1024));
        assert_eq!(settings.shown().len(), TABLE.len());
    }

    #[test]
    fn a_later_layer_wins_and_is_named() {
        let file = file("[limits]\nevent = \"2MiB\"\nbody = 10\n[shutdown]\ndrain = \"1s\"\n");
        let config = file.path().to_str().expect("text");
        let settings = resolve(
            &["--config", config, "--limits-event", "4MiB"],
            [("HOME", "/h"), ("TENON_LIMITS_EVENT", "3MiB"), ("TENON_LIMITS_BODY", "3MiB")],
        )
        .expect("settings");
        assert_eq!(settings.limits_event.value, Bytes(4 << 20));
        assert_eq!(settings.limits_event.origin.to_string(), "--limits-event");
        assert_eq!(settings.limits_body.value, Bytes(3 << 20));
        assert_eq!(settings.limits_body.origin.to_string(), "TENON_LIMITS_BODY");
        assert_eq!(settings.shutdown_drain.value, Duration::from_secs(1));
        assert_eq!(settings.shutdown_drain.origin.to_string(), config);
        assert_eq!(settings.listen.origin.to_string(), "default");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        let file = file("[limits]\nevents = 10\n");
        let error =
            resolve(&["--config", file.path().to_str().expect("text")], [("HOME", "/h")]).unwrap_err();
        assert!(error.to_string().contains("unknown setting `limits.events`"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("did you mean `limits.event`?"));
    }

    #[test]
    fn a_secret_is_not_taken_from_a_file_and_never_shown() {
        let file = file("master_key = \"abc\"\n");
        let error =
            resolve(&["--config", file.path().to_str().expect("text")], [("HOME", "/h")]).unwrap_err();
        assert!(error.to_string().contains("master_key"), "{error}");
        let settings = resolve(&[], [("HOME", "/h"), ("TENON_MASTER_KEY", "0123456789")]).expect("settings");
        assert!(!format!("{settings:?}{:?}", settings.shown()).contains("0123456789"));
    }

    #[track_caller]
    fn check_refused(variable: &str, value: &str, expected: &str) {
        let error = resolve(&[], [("HOME", "/h"), (variable, value)]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn names_can_lead_elsewhere() {
        let written = "api.example.com:443=127.0.0.1:8443, [::1]:80=[::1]:8080";
        let settings = resolve(&[], [("HOME", "/h"), ("TENON_OUTBOUND_RESOLVE", written)]).expect("settings");
        let Resolutions(resolutions) = &settings.outbound_resolve.value;
        assert_eq!(resolutions.len(), 2);
        assert_eq!(resolutions[1], ("[::1]".to_owned(), 80, "[::1]:8080".parse().expect("an address")));
        assert_eq!(settings.outbound_roots.value, None);
    }

    #[test]
    fn a_bad_value_names_its_place_and_shape() {
        check_refused(
            "TENON_LISTEN",
            "7070",
            "TENON_LISTEN: `7070` is no address with port, such as 127.0.0.1:7070",
        );
        check_refused(
            "TENON_LIMITS_EVENT",
            "1 mebi",
            "TENON_LIMITS_EVENT: `1 mebi` is no size, such as 1MiB or 1048576",
        );
        check_refused(
            "TENON_SHUTDOWN_DRAIN",
            "soon",
            "TENON_SHUTDOWN_DRAIN: `soon` is no duration, such as 10s, 5m or PT1H",
        );
        check_refused("TENON_BEHIND_PROXY", "maybe", "TENON_BEHIND_PROXY: `maybe` is neither true nor false");
        check_refused(
            "TENON_OUTBOUND_PRIVATE",
            "yes",
            "TENON_OUTBOUND_PRIVATE: `yes` is not one of auto, allow, refuse",
        );
        check_refused(
            "TENON_OUTBOUND_RATES",
            "api.example.com=10",
            "TENON_OUTBOUND_RATES: `api.example.com=10` is no list of rates: `api.example.com=10` is no rate of a \
             host, such as api.example.com=10/s or *.example.com=100/m",
        );
        check_refused(
            "TENON_OUTBOUND_RESOLVE",
            "api.example.com=127.0.0.1",
            "TENON_OUTBOUND_RESOLVE: `api.example.com=127.0.0.1` is no list of names and where they lead, such as \
             api.example.com:443=127.0.0.1:8443",
        );
    }
}
