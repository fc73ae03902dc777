//! Tables for eyes: words to the left, numbers to the right.

/// Lines of equal length. The first row is the head; `words` columns from the left are words.
pub(crate) fn table(rows: &[Vec<String>], words: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < words { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula gets an apostrophe.
pub(crate) fn csv(row: &[String]) -> String {
    let cell = |cell: &String| {
        let guarded = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.clone() };
        if guarded.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", guarded.replace('"', "\"\""))
        } else {
            guarded
        }
    };
    row.iter().map(cell).collect::<Vec<_>>().join(",")
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn words_stand_left_and_numbers_right() {
        let rows = [row(&["key", "tokens"]), row(&["anna", "7"]), row(&["\u{e9}", "1,234"])];
        assert_eq!(table(&rows, 1), "key   tokens\nanna       7\n\u{e9}      1,234");
    }

    #[test]
    fn a_cell_of_csv_never_breaks_its_line_and_is_no_formula() {
        assert_eq!(csv(&row(&["a", "b,c", "d\"e", "=1+1"])), "a,\"b,c\",\"d\"\"e\",'=1+1");
    }

    #[test]
    fn long_numbers_are_grouped() {
        let shown = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
