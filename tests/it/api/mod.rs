//! Every service through a real client: what it answers, what it refuses, who may ask.

mod access;
mod bad_input;
mod currency;
mod deal;
mod earnings;
mod erase;
mod estimate;
mod etags;
mod feed;
mod limits;
mod outside;
mod pages;
mod payee;
mod people;
mod performance;
mod picture;
mod plan;
mod planning;
mod quota;
mod reasons;
mod reflection;
pub mod replay;
mod rules;
mod territory;
mod time;
mod validate;
mod versions;
