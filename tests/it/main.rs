//! Everything from outside: the service over gRPC, the command line, the database, and what happens when one of
//! them fails. One binary and one database cluster for the whole run.

mod admin_docs;
mod api;
mod close;
mod faults;
mod harness;
mod import;
mod journal;
mod pace;
mod plans;
mod private;
mod quota_versions;
mod resident;
mod scenarios;
mod storage;
mod stress;
mod verify;
