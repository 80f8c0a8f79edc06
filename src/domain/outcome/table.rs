//! Rows of cells, for a terminal and as Markdown.

use crate::domain::report::{escape_markdown, printable};

/// Rows of the same length; the first is the head.
pub struct Table(pub Vec<Vec<String>>);

impl Table {
    /// Columns for a terminal.
    pub fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.0.iter().filter_map(|row| row.get(column));
            cells.map(|cell| printable(cell).chars().count()).max()
        };
        let widths: Vec<_> = (0..).map_while(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let cell = printable(cell);
                format!("{cell:width$}")
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        self.0.iter().map(line).collect()
    }

    /// A Markdown table.
    pub fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells: Vec<_> = row.iter().map(|cell| escape_markdown(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut lines = self.0.iter().map(line);
        let head = lines.next().unwrap_or_default();
        let columns = self.0.first().map_or(0, Vec::len);
        head + "|" + &"---|".repeat(columns) + "\n" + &lines.collect::<String>()
    }
}
