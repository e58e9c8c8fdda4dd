//! What the database keeps, below the use cases.

mod ledger;
mod load;
mod small_facts;
mod versions;
