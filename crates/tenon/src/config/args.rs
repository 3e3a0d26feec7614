//! The flags of `tenon up`, made from the table of settings: clap's declaration by hand instead of by derive,
//! so that a setting is written down once.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use super::{TABLE, flag};

/// What was given to `tenon up`; values are still text.
#[derive(Debug, Clone, Default)]
pub(crate) struct UpArgs {
    /// By key.
    pub(super) values: BTreeMap<&'static str, String>,
    pub(super) config: Option<String>,
    /// Show the settings instead of starting.
    pub(crate) print_config: bool,
}

const EXAMPLES: &str = "Examples:
  tenon up                                   data in ~/.local/share/tenon, http://127.0.0.1:7070
  tenon up --data ./data --listen 127.0.0.1:0
  tenon up --listen 0.0.0.0:7070 --behind-proxy
  tenon up --print-config                    every setting and where it comes from

Each setting can also be given in the configuration file and as a variable, see docs/configuration.md:
defaults < file < TENON_* < flags.";

impl clap::Args for UpArgs {
    fn augment_args(command: Command) -> Command {
        let command = command
            .after_help(EXAMPLES)
            .arg(
                Arg::new("config")
                    .long("config")
                    .value_name("FILE")
                    .help("TOML file with settings [env: TENON_CONFIG] [default: $XDG_CONFIG_HOME/tenon/config.toml if there]"),
            )
            .arg(
                Arg::new("print_config")
                    .long("print-config")
                    .action(ArgAction::SetTrue)
                    .help("Print every setting and where it comes from, then end"),
            );
        TABLE.iter().filter(|entry| !entry.secret).fold(command, |command, entry| {
            let default = if entry.default.is_empty() {
                String::new()
            } else {
                format!(" [default: {}]", entry.default)
            };
            let arg = Arg::new(entry.key)
                .long(flag(entry.key))
                .value_name(entry.shape.to_uppercase())
                .help(format!("{}{default}", entry.help.trim().trim_end_matches('.')));
            // `--behind-proxy` alone means true.
            let arg = if entry.shape == "true|false" {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true")
            } else {
                arg
            };
            command.arg(arg)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for UpArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one::<String>("config").cloned();
        self.print_config = matches.get_flag("print_config");
        for entry in TABLE.iter().filter(|entry| !entry.secret) {
            if let Some(text) = matches.get_one::<String>(entry.key) {
                self.values.insert(entry.key, text.clone());
            }
        }
        Ok(())
    }
}

impl UpArgs {
    /// `--data-dir`, which every command understands, means the same here; `--data` wins.
    pub(crate) fn or_data(&mut self, directory: Option<&String>) {
        if let Some(directory) = directory {
            self.values.entry("data").or_insert_with(|| directory.clone());
        }
    }
}
