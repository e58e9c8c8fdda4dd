//! The words of the field and their invariants. Nothing here does IO, reads a clock or rolls a die.

pub mod change;
pub mod condition;
pub mod date;
pub mod deal;
pub mod draft;
pub mod encode;
pub mod exact;
pub mod exchange;
pub mod explanation;
pub mod facts;
pub mod fault;
pub mod id;
pub mod ledger;
pub mod measure;
pub mod money;
pub mod number;
pub mod outside;
pub mod payee;
pub mod plan;
pub mod proposal;
pub mod quality;
pub mod quota;
pub mod statement;
pub mod territory;
pub mod version;
