//! What the database keeps, below the use cases.

mod catalogue;
mod ledger;
mod load;
mod references;
mod small_facts;
mod versions;
