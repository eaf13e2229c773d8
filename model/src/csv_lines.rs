//! The line numbers of CSV records, for errors that people have to find.

/// Gives records the number of the line they begin in. The reader's own count
/// is one short where lines end in CRLF.
pub struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    pub fn new(text: &'a str) -> LineCounter<'a> {
        LineCounter { bytes: text.as_bytes(), at: 0, line: 1 }
    }

    /// For records in the order of the file.
    pub fn line_of(&mut self, record: &csv::StringRecord) -> usize {
        let byte = record.position().map_or(0, csv::Position::byte);
        let mut start = usize::try_from(byte).unwrap_or(usize::MAX).min(self.bytes.len());
        while self.bytes.get(start).is_some_and(|&byte| byte == b'\r' || byte == b'\n') {
            start += 1;
        }
        let passed = self.bytes.get(self.at..start).unwrap_or_default();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count();
        self.at = start;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let mut lines = LineCounter::new(text);
        let found: Vec<usize> =
            reader.records().map(|record| lines.line_of(&record.unwrap())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn records_know_the_line_they_begin_in() {
        check("a\nb\nc", &[1, 2, 3]);
        check("a\r\nb\r\n", &[1, 2]);
        check("a\r\n\r\n\"b\nb\"\r\nc", &[1, 3, 5]);
    }
}
