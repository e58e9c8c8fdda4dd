//! Payees by name: `Ann Archer (ann)`; by id alone where no name is known.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::page::told;

/// Names of payees by id.
pub type Names = BTreeMap<String, String>;

/// A payee, each part apart from what stands around it.
pub fn who(names: &Names, payee_id: &str) -> Markup {
    html! {
        @if let Some(name) = names.get(payee_id) { (told(name)) " " span.id { "(" (told(payee_id)) ")" } }
        @else { (told(payee_id)) }
    }
}

/// A payee where nothing but text can stand.
pub fn who_text(names: &Names, payee_id: &str) -> String {
    names.get(payee_id).map_or_else(|| payee_id.to_string(), |name| format!("{name} ({payee_id})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payee_is_shown_by_name_and_id_or_by_id_alone() {
        let names = Names::from([("ann".to_string(), "Ann <Archer>".to_string())]);
        assert_eq!(
            who(&names, "ann").into_string(),
            "<bdi>Ann &lt;Archer&gt;</bdi> <span class=\"id\">(<bdi>ann</bdi>)</span>"
        );
        assert_eq!(who_text(&names, "ann"), "Ann <Archer> (ann)");
        assert_eq!(
            (who(&names, "bob").into_string(), who_text(&names, "bob")),
            ("<bdi>bob</bdi>".into(), "bob".into())
        );
    }
}
