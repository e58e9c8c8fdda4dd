//! What tests of pages share.

pub mod reader;
pub mod statement;
