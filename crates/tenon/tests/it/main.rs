//! The command line from outside: the real binary's exit code, standard output and standard error, alone and against
//! a small server whose answers are written here.

mod documentation;
mod fake_server;
mod jobs;
mod offline;
mod project;
mod resources;
mod sandbox;
