//! A page that stands alone: its style is in it, it loads nothing and runs nothing, and a browser is told so. It reads
//! on a phone of 360 pixels without moving sideways, in light and dark, and on paper.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::more_text;

/// How pages look.
const STYLE: &str = include_str!("page.css");
/// What a page may load: nothing but its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A whole document.
pub fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

/// Text that a caller wrote, apart from what stands around it: it may run from right to left.
pub fn told(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// How many more there are than are shown; nothing if all are.
pub fn more(count: usize, shown: usize, what: &str) -> Markup {
    html! { @if let Some(text) = more_text(count, shown, what) { p.note { (text) } } }
}
