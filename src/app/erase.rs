//! Erasing personal data: values and salts go from every version of a row, and the erasing is itself a change.
//! No figure is made of what is erased.

use crate::domain::fault::{Fault, Violations};
use crate::storage::{self, Written};

use super::write::{Begun, Open, Touches, check_payees, refuse_unknown, unknown};
use super::{App, Call, Receipt, Write};

/// Whose personal data to erase.
pub type Subjects = storage::erase::Subjects;

impl App {
    /// Erases for good, or refuses if anything named does not exist. The receipt counts rows, superseded ones too.
    pub async fn erase(&self, call: &Call, write: Write, subjects: Subjects) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        check_subjects(&mut open, &subjects).await?;
        let (tenant, number) = (open.tenant(), open.number());
        let rows = storage::erase::erase(open.conn(), tenant, number, &subjects).await?;
        let receipt = open.receipt(Written { written: rows, unchanged: 0 });
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }
}

/// Everything named exists.
async fn check_subjects(open: &mut Open, subjects: &Subjects) -> Result<(), Fault> {
    let (tenant, head) = (open.tenant(), open.head().number);
    let Subjects { payees, customers, deals, keys, changes } = subjects;
    let mut violations = Violations::default();
    check_payees(open.conn(), tenant, &named("payee_ids", payees), &mut violations).await?;
    let missing = storage::erase::missing_customers(open.conn(), tenant, customers).await?;
    refuse_unknown("customer", &named("customer_ids", customers), &missing, &mut violations);
    let missing = storage::erase::missing_deals(open.conn(), tenant, deals).await?;
    refuse_unknown("deal", &named("deal_ids", deals), &missing, &mut violations);
    let missing = storage::erase::missing_keys(open.conn(), tenant, keys).await?;
    refuse_unknown("key", &named("key_ids", keys), &missing, &mut violations);
    let missing: Vec<i64> = changes.iter().copied().filter(|number| *number > head).collect();
    refuse_unknown("change", &named("change_numbers", changes), &missing, &mut violations);
    unknown(violations)
}

/// Each item with the path it stands under.
fn named<T: Clone>(field: &str, items: &[T]) -> Vec<(String, T)> {
    items.iter().enumerate().map(|(place, item)| (format!("{field}[{place}]"), item.clone())).collect()
}
