//! What the contract's messages say, as a person likes to see it: pages of HTML with drawings in SVG, and bars for a
//! terminal. Pure functions of the messages: no clock, no database, no figure of their own. Figures are the server's
//! texts, grouped; they are read as numbers only to find out where a drawing puts them. All text is escaped by `maud`
//! where it is written, and whatever a caller may have written stands apart (`bdi`), so that it turns no line around.
//! A page refers to nothing outside itself and has no script.

mod bar;
mod columns;
pub mod figures;
mod ladder;
pub mod names;
mod page;
pub mod rank;
pub mod scale;
pub mod standing;
pub mod statement;
pub mod team;
#[cfg(test)]
pub mod tests;
pub mod tier;

/// What pages are.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";
