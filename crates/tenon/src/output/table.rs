//! Tables: aligned columns under a heading, without lines, so that they are read by eyes and by `awk` alike.

use comfy_table::{ContentArrangement, Table, presets};

/// Rows under headings. No rows: no table.
pub(crate) fn table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = bare();
    table.set_header(headings.to_vec());
    table.add_rows(rows);
    finished(&mut table)
}

/// `name  value` lines; for one thing with its members.
pub(crate) fn fields(rows: &[(&str, String)]) -> String {
    let mut table = bare();
    table.add_rows(rows.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]));
    finished(&mut table)
}

fn bare() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn finished(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}
