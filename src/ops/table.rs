//! Tables for a terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};

/// A table whose columns from `figures` on hold figures, set to the right.
pub fn table(header: &[&str], figures: usize) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(header.iter().enumerate().map(|(place, name)| {
        let alignment = if place < figures { CellAlignment::Left } else { CellAlignment::Right };
        Cell::new(name).set_alignment(alignment)
    }));
    for (_, column) in table.column_iter_mut().enumerate().filter(|(place, _)| *place >= figures) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
