//! What deals say of themselves, a figure a tile, beside the span before.

use maud::{Markup, html};

use crate::api::v1;
use crate::picture::figures::{grouped, percent, tenth};
use crate::picture::page::told;
use crate::picture::rank::booked;

/// Characters of a figure that one tile has room for.
const LONG: usize = 13;

/// The tiles; a figure that is not defined has none.
pub fn card(performance: &v1::Performance) -> Markup {
    let none = v1::Figures::default();
    let totals = performance.totals.as_ref().unwrap_or(&none);
    let before = performance.span_before.as_ref();
    let tiles: Vec<_> =
        TILES.iter().filter_map(|(name, of)| Some((name, of(totals)?, before.and_then(of)))).collect();
    html! {
        section.card {
            header {
                h2 { "How it was sold" }
                span.soft { "money in " (performance.currency_code) @if before.is_some() { "; small: the span before" } }
            }
            dl.tiles {
                @for (name, figure, before) in tiles {
                    div.long[figure.len() > LONG] {
                        dt { @if *name == BOOKED && !performance.measure_id.is_empty() { (told(booked(performance))) } @else { (name) } }
                        dd { (figure) }
                        @if let Some(before) = before { dd.soft { (before) } }
                    }
                }
            }
        }
    }
}

/// The tile of what is booked, which is called after the measure that was asked for.
const BOOKED: &str = "Booked";

/// A figure as text; `None` where it is not defined.
type Of = fn(&v1::Figures) -> Option<String>;

const TILES: [(&str, Of); 9] = [
    ("Win rate", |figures| figures.win_rate_percent.as_deref().map(percent)),
    ("Won", |figures| Some(grouped(&figures.deals_won.to_string()))),
    ("Lost", |figures| Some(grouped(&figures.deals_lost.to_string()))),
    ("Average deal", |figures| figures.average_deal_amount.as_deref().map(grouped)),
    ("Days to win", |figures| figures.mean_cycle_days.as_deref().map(tenth)),
    ("Margin", |figures| figures.margin_percent.as_deref().map(percent)),
    ("New customers", |figures| Some(grouped(&figures.new_customers.to_string()))),
    ("Units", |figures| figures.units.as_deref().map(grouped)),
    (BOOKED, |figures| Some(grouped(&figures.booked))),
];
