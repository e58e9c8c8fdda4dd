//! The program from outside: its commands, and what runs beside the requests.
//!
//! A command answers on stdout and says everything else on stderr. A fault is a sentence; what it names line by
//! line, such as the fields of a refused request, stands in lines below it.

pub mod client;
pub mod database;
pub mod demo;
pub mod import;
pub mod page;
pub mod plan;
pub mod serve;
mod standing;
pub mod statement;
mod table;
pub mod team;
pub mod tenant;
mod text;
pub mod verify;
