//! The command line from outside: the real binary's exit code, standard output and standard error, alone and against
//! a small server whose answers are written here.

mod documentation;
mod fake_server;
mod guides;
mod jobs;
mod lanes;
mod live_server;
mod masking;
mod offline;
mod project;
mod project_hooks;
mod project_variables;
mod resources;
mod sandbox;
mod secrecy;
mod secrets;
mod variables;
mod vault;
mod workflow_documents;
mod workspaces;
