//! Which server, key and workspace a command uses, decided once: flag, `TENON_*`, `tenon.yaml`, saved login, local
//! data directory, in this order. Each with where it came from.
//!
//! Invariant: a key only goes to a server it was meant for. A saved key belongs to the address it was saved for, the
//! owner key to loopback; a server that only `tenon.yaml` names (anybody's repository may) gets no other key.

mod local;
mod login;
mod project_file;
mod server_url;

use std::path::Path;

use crate::cli::Globals;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::setting::{Origin, Setting};

pub(crate) use local::LocalData;
use login::Logins;
use project_file::ProjectFile;
pub(crate) use server_url::ServerUrl;

/// What a client of the server has to know.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) server: Setting<ServerUrl>,
    pub(crate) key: Option<Setting<String>>,
    /// Why a key that is there is not used.
    pub(crate) withheld: Option<String>,
    pub(crate) workspace: Setting<String>,
    pub(crate) local: LocalData,
}

/// What can be wrong before any request is made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{origin}: `{text}` is no server address: {reason}")]
    Server { origin: Origin, text: String, reason: &'static str },
    #[error("cannot read {}: {reason}", path.display())]
    Read { path: std::path::PathBuf, reason: String },
    #[error("tenon.yaml has no environment `{name}`")]
    UnknownEnvironment { name: String, known: Vec<String> },
    #[error("--environment {name} needs a tenon.yaml with `environments`")]
    NoProject { name: String },
    #[error("{origin}: the key has characters that no key has")]
    Key { origin: Origin },
}

impl Settings {
    /// `start` is where the search for `tenon.yaml` begins; it goes up from there.
    pub(crate) fn resolve(globals: &Globals, environment: &Environment, start: &Path) -> Result<Self, Error> {
        let project = ProjectFile::find(start)?;
        let logins = Logins::read(environment)?;
        let local = LocalData::find(globals, environment);
        let given = Given { globals, environment, project: project.as_ref(), logins: &logins, local: &local };
        let server = given.server()?;
        let (key, withheld) = given.key(&server);
        if let Some(key) = key.as_ref().filter(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Error::Key { origin: key.origin.clone() });
        }
        let workspace = given.workspace(&server)?;
        Ok(Self { server, key, withheld, workspace, local })
    }

    /// What, value, from where. Of a key only its beginning is shown.
    pub(crate) fn shown(&self) -> Vec<[String; 3]> {
        let row = |what: &str, value: String, from: &Origin| [what.to_owned(), value, from.to_string()];
        let key = match &self.key {
            Some(key) => row("key", format!("{}…", key.chars().take(6).collect::<String>()), &key.origin),
            None => ["key".to_owned(), "-".to_owned(), "nowhere".to_owned()],
        };
        vec![
            row("server", self.server.to_string(), &self.server.origin),
            key,
            row("workspace", self.workspace.value.clone(), &self.workspace.origin),
            row("data", self.local.directory.display().to_string(), &self.local.directory.origin),
        ]
    }
}

/// Everything that may have a say.
struct Given<'a> {
    globals: &'a Globals,
    environment: &'a Environment,
    project: Option<&'a ProjectFile>,
    logins: &'a Logins,
    local: &'a LocalData,
}

impl Given<'_> {
    /// What the person said directly: flag, then variable.
    fn said(&self, flag: Option<&String>, name: &str, variable: &str) -> Option<Setting<String>> {
        if let Some(text) = flag {
            return Some(Setting::new(text.clone(), Origin::Flag(name.to_owned())));
        }
        let text = self.environment.get(variable)?;
        Some(Setting::new(text.to_owned(), Origin::Environment(variable.to_owned())))
    }

    fn server(&self) -> Result<Setting<ServerUrl>, Error> {
        let text = self
            .said(self.globals.server.as_ref(), "--server", "TENON_SERVER")
            .or_else(|| self.project?.server())
            .or_else(|| self.logins.current())
            .or_else(|| self.local.server())
            .unwrap_or_else(|| Setting::new(ServerUrl::DEFAULT.to_owned(), Origin::Default));
        match text.parse() {
            Ok(url) => Ok(Setting::new(url, text.origin)),
            Err(reason) => Err(Error::Server { origin: text.origin, text: text.value, reason }),
        }
    }

    /// The key for `server`, or why one that is there is kept back.
    fn key(&self, server: &Setting<ServerUrl>) -> (Option<Setting<String>>, Option<String>) {
        let said = self.said(self.globals.key.as_ref(), "--key", "TENON_KEY");
        let by_project = matches!(server.origin, Origin::Project(_));
        let saved = || self.logins.key(server).or_else(|| self.owner_key(server, by_project));
        if !by_project {
            return (said.or_else(saved), None);
        }
        let key = saved();
        let withheld = said.filter(|_| key.is_none()).map(|said| {
            format!("the key from {} is not sent to a server that only {} names", said.origin, server.origin)
        });
        (key, withheld)
    }

    /// The local server's own key, for loopback only; for a project's server only if it *is* the local server.
    fn owner_key(&self, server: &ServerUrl, by_project: bool) -> Option<Setting<String>> {
        let local = self.local.server().and_then(|local| local.parse::<ServerUrl>().ok());
        let local = local.unwrap_or_default();
        if !server.is_loopback() || (by_project && *server != local) {
            return None;
        }
        self.local.owner_key()
    }

    fn workspace(&self, server: &ServerUrl) -> Result<Setting<String>, Error> {
        if let Some(said) = self.said(self.globals.workspace.as_ref(), "--workspace", "TENON_WORKSPACE") {
            return Ok(said);
        }
        let environment = self.said(self.globals.environment.as_ref(), "--environment", "TENON_ENVIRONMENT");
        if let Some(name) = environment {
            let project = self.project.ok_or_else(|| Error::NoProject { name: name.value.clone() })?;
            return project.environment(&name);
        }
        Ok(self
            .project
            .and_then(ProjectFile::workspace)
            .or_else(|| self.logins.workspace(server))
            .unwrap_or_else(|| Setting::new("default".to_owned(), Origin::Default)))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self::new(Exit::Usage, error.to_string());
        match error {
            Error::Server { .. } => {
                failure.hint("write it like http://127.0.0.1:7070 or https://tenon.example.com")
            }
            Error::UnknownEnvironment { known, .. } if !known.is_empty() => {
                failure.hint(format!("there are: {}", known.join(", ")))
            }
            Error::Key { .. } => failure.hint("a key is one word that begins with tn_"),
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    /// A home with a local owner key, a saved login for `https://saved.example`, and a project directory.
    struct Home {
        directory: tempfile::TempDir,
    }

    impl Home {
        fn new(project: &str) -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let write = |path: &str, text: &str| {
                let path = directory.path().join(path);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
                std::fs::write(path, text).expect("written");
            };
            write("data/tenon/owner.key", "tn_owner\n");
            write(
                "config/tenon/logins.toml",
                "[servers.\"https://saved.example\"]\nkey = \"tn_saved\"\nworkspace = \"team\"\n",
            );
            write("project/tenon.yaml", project);
            Self { directory }
        }

        fn resolve<const N: usize>(
            &self,
            flags: &[&str],
            variables: [(&str, &str); N],
        ) -> Result<Settings, Error> {
            let path = |name: &str| self.directory.path().join(name).display().to_string();
            let (config, data) = (path("config"), path("data"));
            let mut all = vec![("XDG_CONFIG_HOME", config.as_str()), ("XDG_DATA_HOME", data.as_str())];
            all.extend(variables);
            let environment = Environment::of(&all);
            let args = ["tenon"].iter().chain(flags).chain(&["whoami"]);
            let globals = crate::cli::Cli::parse_from(args).globals;
            Settings::resolve(&globals, &environment, &self.directory.path().join("project"))
        }

        #[track_caller]
        fn check<const N: usize>(&self, flags: &[&str], variables: [(&str, &str); N], expected: &str) {
            let settings = self.resolve(flags, variables).expect("settings");
            let key = settings.key.as_ref().map_or("no key", |key| key.value.as_str());
            assert_eq!(format!("{} {key} {}", *settings.server, *settings.workspace), expected);
        }
    }

    #[test]
    fn without_anything_it_is_the_local_server_with_its_owner_key() {
        Home::new("name: shop\n").check(&[], [], "http://127.0.0.1:7070 tn_owner default");
    }

    #[test]
    fn flags_win_over_variables_and_those_over_the_project() {
        let home = Home::new("server: http://127.0.0.1:1\nworkspace: projects\n");
        let variables =
            [("TENON_SERVER", "http://b.example"), ("TENON_KEY", "tn_b"), ("TENON_WORKSPACE", "b")];
        home.check(&[], variables, "http://b.example tn_b b");
        home.check(
            &["--server", "http://a.example", "--key", "tn_a", "--workspace", "a"],
            variables,
            "http://a.example tn_a a",
        );
    }

    #[test]
    fn a_saved_key_goes_only_to_its_server() {
        let home = Home::new("name: shop\n");
        home.check(&["--server", "https://saved.example"], [], "https://saved.example tn_saved team");
        home.check(&["--server", "https://other.example"], [], "https://other.example no key default");
    }

    #[test]
    fn the_owner_key_stays_on_loopback() {
        let home = Home::new("name: shop\n");
        home.check(&["--server", "http://localhost:9000"], [], "http://localhost:9000 tn_owner default");
        home.check(&["--server", "http://10.0.0.1:7070"], [], "http://10.0.0.1:7070 no key default");
    }

    #[test]
    fn a_server_named_by_a_project_gets_no_key_that_was_not_saved_for_it() {
        let home = Home::new("server: https://evil.example\n");
        home.check(
            &["--key", "tn_flag"],
            [("TENON_KEY", "tn_variable")],
            "https://evil.example no key default",
        );
        let settings = home.resolve(&[], [("TENON_KEY", "tn_variable")]).expect("settings");
        assert!(settings.withheld.expect("said").contains("TENON_KEY"));
        // Not even a local address, unless it is where the local server was told to listen.
        Home::new("server: http://127.0.0.1:9999\n").check(&[], [], "http://127.0.0.1:9999 no key default");
        Home::new("server: http://127.0.0.1:7070\n").check(&[], [], "http://127.0.0.1:7070 tn_owner default");
        Home::new("server: https://saved.example\n").check(&[], [], "https://saved.example tn_saved team");
    }

    #[test]
    fn environments_are_names_for_workspaces() {
        let home = Home::new("environments: { prod: shop-prod }\n");
        home.check(&["--environment", "prod"], [], "http://127.0.0.1:7070 tn_owner shop-prod");
        assert!(matches!(
            home.resolve(&["--environment", "test"], []),
            Err(Error::UnknownEnvironment { known, .. }) if known == ["prod"]
        ));
    }

    #[test]
    fn unknown_members_of_a_project_file_are_refused() {
        let error = Home::new("sever: http://127.0.0.1:1\n").resolve(&[], []).unwrap_err();
        assert!(error.to_string().contains("sever"), "{error}");
    }
}
