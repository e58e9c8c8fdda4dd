//! attain: sales quotas, commissions and bonuses from deal data; exact, explained, reproducible.
//!
//! Requests walk one way: `api` to `app`, which loads facts from `storage`, hands them to `calc` and
//! stores what comes back in one transaction. ARCHITECTURE.md is the map.

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod auth;
pub mod calc;
pub mod config;
pub mod domain;
pub mod ingest;
pub mod ops;
pub mod picture;
pub mod storage;
pub mod telemetry;
