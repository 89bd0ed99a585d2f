//! CSV bodies (RFC 4180, header line required) as a JSON list. `NULL` is null; everything else is text, which
//! PostgreSQL converts to the column's type.

use csv_core::{ReadFieldResult, Reader};

/// A CSV body as JSON.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) header: Vec<String>,
    pub(crate) json: String,
}

/// Why a CSV body is unusable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CsvFault {
    NoHeader,
    Ragged,
}

impl CsvFault {
    pub(crate) fn message(&self) -> &'static str {
        match self {
            CsvFault::NoHeader => "not enough input",
            CsvFault::Ragged => "All lines must have same number of fields",
        }
    }
}

pub(crate) fn to_json(text: &str) -> Result<Table, CsvFault> {
    let mut records = records(text).into_iter();
    let header = records.next().filter(|h| h.iter().any(|name| !name.is_empty())).ok_or(CsvFault::NoHeader)?;
    let mut json = String::with_capacity(text.len() * 2);
    json.push('[');
    for (row, record) in records.enumerate() {
        if record.len() != header.len() {
            return Err(CsvFault::Ragged);
        }
        json.push_str(if row == 0 { "{" } else { ",{" });
        for (column, (name, value)) in header.iter().zip(&record).enumerate() {
            if column > 0 {
                json.push(',');
            }
            push_text(&mut json, name);
            json.push(':');
            if value == "NULL" { json.push_str("null") } else { push_text(&mut json, value) }
        }
        json.push('}');
    }
    json.push(']');
    Ok(Table { header, json })
}

fn push_text(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

fn records(text: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::new();
    let mut input = text.as_bytes();
    let mut buffer = vec![0; text.len() + 1];
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let (result, read, written) = reader.read_field(input, &mut buffer);
        input = &input[read..];
        field.extend_from_slice(&buffer[..written]);
        match result {
            // an empty input slice is how the reader is told of the end; the loop comes back with one
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                record.push(String::from_utf8_lossy(&std::mem::take(&mut field)).into_owned());
                if record_end {
                    records.push(std::mem::take(&mut record));
                }
            }
            ReadFieldResult::End => return records,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_line_breaks_survive() {
        let table = to_json("a,\"b c\"\r\n1,\"x, \"\"y\"\"\nz\"\r\n2,NULL").expect("csv");
        assert_eq!(table.header, ["a", "b c"]);
        assert_eq!(table.json, "[{\"a\":\"1\",\"b c\":\"x, \\\"y\\\"\\nz\"},{\"a\":\"2\",\"b c\":null}]");
    }

    #[test]
    fn ragged_lines_and_missing_headers_are_refused() {
        assert_eq!(to_json("a,b\n1\n").expect_err("ragged"), CsvFault::Ragged);
        assert_eq!(to_json("").expect_err("empty"), CsvFault::NoHeader);
        assert_eq!(to_json("a\n").expect("header only").json, "[]");
    }
}
