//! Text that fits a terminal.

/// Columns that a line has room for.
const WIDTH: usize = 80;
/// How far the lines that follow a broken one are set in.
const HANGING: usize = 4;

/// The same text with every line that is too long broken at blanks, those of tables aside. What has no blank stays whole.
pub fn fitted(text: &str) -> String {
    let mut fitted = String::new();
    for line in text.split_inclusive('\n') {
        let table = line.trim_start().starts_with(['┌', '│', '╞', '└']);
        if table || line.trim_end().chars().count() <= WIDTH {
            fitted.push_str(line);
        } else {
            fitted.push_str(&broken(line));
        }
    }
    fitted
}

/// A line in as many as it takes.
fn broken(line: &str) -> String {
    let (words, end) = (line.trim_end(), if line.ends_with('\n') { "\n" } else { "" });
    let indent = words.len() - words.trim_start().len();
    let mut text = " ".repeat(indent);
    let mut column = indent;
    for word in words.split_whitespace() {
        let width = word.chars().count();
        if column > indent && column + 1 + width > WIDTH {
            text.push('\n');
            text.push_str(&" ".repeat(indent + HANGING));
            column = indent + HANGING;
        } else if column > indent {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_blanks_and_set_in() {
        // Eighty columns are a line, eighty-one are two.
        let fits = format!("{}x", "word five ".repeat(7).trim_end());
        assert_eq!(fits.len(), 70);
        let (eighty, more) = (format!("{fits} next line"), format!("{fits} next lines"));
        assert_eq!(fitted(&format!("{eighty}\n")), format!("{eighty}\n"));
        assert_eq!(fitted(&more), format!("{fits} next\n    lines"));
        // What is set in stays so.
        assert_eq!(fitted(&format!("  {more}\nafter")), format!("  {fits} next\n      lines\nafter"));
    }

    #[test]
    fn tables_and_long_words_stay_whole() {
        for whole in [format!("  │ {} │\n", "x ".repeat(50)), format!("{}\n", "x".repeat(100))] {
            assert_eq!(fitted(&whole), whole);
        }
        let word = "x".repeat(100);
        assert_eq!(fitted(&format!("  a {word} b")), format!("  a\n      {word}\n      b"));
        // Columns are characters, not bytes.
        let bars = "█ ".repeat(40);
        assert_eq!(fitted(bars.trim_end()), bars.trim_end());
    }
}
