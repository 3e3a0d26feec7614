//! `tenon doctor`: what is wrong and how to mend it. Looks at this machine's settings first, then asks the server.

mod disk;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};
use tenon_vault::Vault as _;
use tenon_vault_local::{Create, LocalVault};

use super::Session;
use crate::client::{self, Client};
use crate::config::{self, TABLE, UpArgs, UpSettings};
use crate::environment::{CLIENT_VARIABLES, Environment};
use crate::failure::{Exit, Failure};
use crate::output::{Output, Shade, plain, table};
use crate::settings::{LocalData, Settings};

/// One finding.
struct Check {
    name: String,
    state: State,
    detail: String,
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Ok,
    Warning,
    Error,
}

pub(super) async fn run(session: Session<'_>) -> Result<(), Failure> {
    let environment = session.environment;
    let settings = Settings::resolve(&session.globals, environment, Path::new("."))?;
    let client_rows = settings.shown();
    let mut args = UpArgs::default();
    args.or_data(session.globals.data_dir.as_ref());
    let up = UpSettings::resolve(&args, environment);

    let mut checks = vec![unknown_variables(environment)];
    checks.extend(local_files(&settings.local, up.as_ref().ok()));
    checks.extend(settings.withheld.iter().map(|withheld| {
        let hint = "name the server yourself: --server or TENON_SERVER";
        Check::new("key", State::Warning, withheld.clone()).hint(hint)
    }));
    if let Err(error) = &up {
        let check = Check::new("configuration", State::Error, error.to_string());
        checks.push(match error.hint() {
            Some(hint) => check.hint(hint),
            None => check.hint("docs/configuration.md lists all settings"),
        });
    }
    let client = Client::new(settings)?;
    let mut outcome = Ok(());
    let mut disk = Value::Null;
    match remote(&client).await {
        Ok(remote) => {
            checks.extend(remote);
            match client.get("/api/v1/doctor/disk").await {
                Ok(detail) => disk = detail,
                Err(error) => {
                    let failure = Failure::from(error);
                    checks.push(Check::new("content", State::Warning, failure.message));
                }
            }
        }
        Err(error) => {
            let failure = Failure::from(error);
            let check = Check::new("server", State::Error, failure.message.clone());
            checks.push(failure.hints.iter().fold(check, Check::hint));
            outcome = Err(failure.exit);
        }
    }
    let shown = up.map(|up| up.shown()).unwrap_or_default();
    print(&Report { checks: &checks, disk: &disk, client: &client_rows, up: &shown }, session.output)?;
    finish(&checks, outcome)
}

fn finish(checks: &[Check], outcome: Result<(), Exit>) -> Result<(), Failure> {
    let count = checks.iter().filter(|check| check.state == State::Error).count();
    if count == 0 {
        return Ok(());
    }
    let things = if count == 1 { "1 thing is wrong".to_owned() } else { format!("{count} things are wrong") };
    Err(Failure::new(outcome.err().unwrap_or(Exit::Failed), things)
        .hint("each hint above says how to mend it"))
}

fn unknown_variables(environment: &Environment) -> Check {
    let known = |name: &str| {
        CLIENT_VARIABLES.iter().any(|(known, _)| *known == name)
            || TABLE.iter().any(|entry| config::variable(entry.key) == name)
    };
    let unknown: Vec<&str> = environment.ours().filter(|name| !known(name)).collect();
    if unknown.is_empty() {
        return Check::new("environment", State::Ok, "no unknown TENON_* variables".to_owned());
    }
    Check::new("environment", State::Warning, format!("nothing reads {}", unknown.join(", ")))
        .hint("docs/configuration.md lists all variables")
}

/// Files that must be closed to others.
fn local_files(local: &LocalData, up: Option<&UpSettings>) -> Vec<Check> {
    let owner_key = local.directory.join(LocalData::OWNER_KEY);
    let master_key = up.map(|up| up.master_key_file.value.clone());
    let mut checks = vec![secret_file("owner key", &owner_key)];
    checks.extend(master_key.map(|path| master_key_file(&path)));
    checks
}

/// With the key's name, to be compared with the one that the data needs.
fn master_key_file(path: &Path) -> Check {
    let mut check = secret_file("master key", path);
    if check.state != State::Ok || !path.exists() {
        return check;
    }
    match LocalVault::open(path, Create::Never) {
        Ok(vault) => check.detail = format!("{} in {}", vault.id(), path.display()),
        Err(error) => return Check::new("master key", State::Error, error.to_string()),
    }
    check
}

fn secret_file(name: &str, path: &Path) -> Check {
    let shown = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Check::new(
                name,
                State::Ok,
                format!("no {shown}; `tenon up` makes it at its first start"),
            );
        }
        Err(error) => return Check::new(name, State::Warning, format!("cannot look at {shown}: {error}")),
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let detail = format!("{shown} is open to other users (mode {mode:o})");
        return Check::new(name, State::Error, detail).hint(format!("chmod 600 {shown}"));
    }
    match std::fs::File::open(path) {
        Ok(_) => Check::new(name, State::Ok, shown.to_string()),
        Err(error) => Check::new(name, State::Warning, format!("cannot read {shown}: {error}"))
            .hint("run as the user that runs the server"),
    }
}

/// The server's version and its own findings.
async fn remote(client: &Client) -> Result<Vec<Check>, client::Error> {
    let version = client.get("/api/v1/version").await?;
    let theirs = plain(&version["version"]);
    let ours = env!("CARGO_PKG_VERSION");
    let server = client.settings().server.to_string();
    let mut checks = vec![Check::new("server", State::Ok, format!("{server} answers, version {theirs}"))];
    if theirs != ours {
        let detail = format!("this command line is {ours}, the server {theirs}");
        checks.push(Check::new("version", State::Warning, detail).hint("use the same version of both"));
    }
    let doctor = client.get("/api/v1/doctor").await?;
    for check in doctor["checks"].as_array().map_or(&[][..], Vec::as_slice) {
        let state = match check["state"].as_str() {
            Some("ok") => State::Ok,
            Some("warning") => State::Warning,
            _ => State::Error,
        };
        let found = Check::new(&plain(&check["name"]), state, plain(&check["detail"]));
        checks.push(match check["hint"].as_str() {
            Some(hint) => found.hint(hint),
            None => found,
        });
    }
    if doctor["disk"].is_object() {
        checks.push(Check::new("content", State::Ok, content(&doctor["disk"])));
    }
    Ok(checks)
}

fn content(disk: &Value) -> String {
    let [events, jobs, open] = ["events", "jobs", "openJobs"].map(|member| plain(&disk[member]));
    format!("{events} events, {jobs} jobs, {open} of them open")
}

/// All that was found.
struct Report<'a> {
    checks: &'a [Check],
    disk: &'a Value,
    client: &'a [[String; 3]],
    up: &'a [config::Shown],
}

fn print(report: &Report<'_>, output: &mut Output) -> Result<(), Failure> {
    let Report { checks, disk, client, up } = *report;
    let settings =
        client.iter().map(|[what, value, from]| json!({ "setting": what, "value": value, "from": from }));
    let value = json!({
        "checks": checks.iter().map(Check::json).collect::<Vec<_>>(),
        "disk": disk,
        "client": settings.collect::<Vec<_>>(),
        "configuration": config::json(up),
    });
    output.value(&value, |output| {
        let mut lines: Vec<String> = checks.iter().flat_map(|check| check.lines(output)).collect();
        lines.extend(disk::lines(disk));
        lines.push(String::new());
        lines.push(table(&["SETTING", "VALUE", "FROM"], client.iter().map(|row| row.to_vec()).collect()));
        lines.push(String::new());
        lines.push("configuration of `tenon up` with this environment:".to_owned());
        lines.push(config::table(up));
        lines.join("\n")
    })
}

// === impl Check ===

impl Check {
    fn new(name: &str, state: State, detail: String) -> Self {
        Self { name: name.to_owned(), state, detail, hint: None }
    }

    /// Several hints become one line.
    fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.hint = Some(self.hint.map_or_else(|| hint.clone(), |before| format!("{before}; {hint}")));
        self
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "state": self.state.word(), "detail": self.detail, "hint": self.hint })
    }

    fn lines(&self, output: &Output) -> Vec<String> {
        let (sign, shade) = match self.state {
            State::Ok => ("✓", Shade::Green),
            State::Warning => ("!", Shade::Yellow),
            State::Error => ("✗", Shade::Red),
        };
        let sign = output.paint.apply(shade, sign);
        let mut lines = vec![format!("{sign} {:<7}  {}: {}", self.state.word(), self.name, self.detail)];
        lines.extend(self.hint.iter().map(|hint| format!("           hint: {hint}")));
        lines
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
