//! Tables of numbers: examples in rows, read from comma-separated text.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Examples in rows, all of the same length.
///
/// ```
/// use dagrad::train::Table;
/// let table: Table = "1, 2\n3, 4\n".parse()?;
/// assert_eq!(table.rows().collect::<Vec<_>>(), [[1.0, 2.0], [3.0, 4.0]]);
/// # Ok::<(), dagrad::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    numbers: Vec<f64>,
    columns: usize,
}

/// What is wrong with a table, by line and column, both counted from 1.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A row is shorter or longer than the first.
    #[error("line {line} has {got} columns, the first row has {expected}")]
    Ragged {
        /// The line of the row.
        line: usize,
        /// The columns of the first row.
        expected: usize,
        /// The columns of this one.
        got: usize,
    },
    /// A field is not a finite number.
    #[error("line {line}, column {column}: `{}` is not a finite number", printable(.text))]
    NotANumber {
        /// The line of the field.
        line: usize,
        /// Its place in the row.
        column: usize,
        /// The field, or the beginning of a long one.
        text: String,
    },
    /// There is no row.
    #[error("the table has no rows")]
    Empty,
    /// The table has not the columns that a program takes.
    #[error("the table has {got} columns, the program takes {expected} inputs")]
    Columns {
        /// The inputs of the program.
        expected: usize,
        /// The columns of the table.
        got: usize,
    },
}

/// The text with control characters escaped, so that no file can command the terminal that shows the message.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

impl Table {
    /// Reads a file of comma-separated numbers; a first line of names is passed over.
    ///
    /// # Errors
    /// [`DataError::File`] when the file cannot be read, and the errors of parsing its text.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        text.map_err(|reason| DataError::File { path: path.into(), reason })?.parse()
    }

    /// A table of given rows.
    ///
    /// # Errors
    /// [`DataError::Ragged`] when they are not all of the same length, [`DataError::Empty`] when there are none.
    pub fn from_rows<R: AsRef<[f64]>>(rows: impl IntoIterator<Item = R>) -> Result<Self, DataError> {
        let mut table = Self::default();
        for (index, row) in rows.into_iter().enumerate() {
            let row = row.as_ref();
            if index == 0 {
                table.columns = row.len();
            }
            table.push(index + 1, row)?;
        }
        if table.numbers.is_empty() { Err(DataError::Empty) } else { Ok(table) }
    }

    fn push(&mut self, line: usize, row: &[f64]) -> Result<(), DataError> {
        if self.columns != row.len() {
            return Err(DataError::Ragged { line, expected: self.columns, got: row.len() });
        }
        self.numbers.extend_from_slice(row);
        Ok(())
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers a row has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The rows in order.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.numbers.chunks_exact(self.columns.max(1))
    }

    /// One row.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    #[track_caller]
    pub fn row(&self, index: usize) -> &[f64] {
        &self.numbers[index * self.columns..][..self.columns]
    }
}

impl std::str::FromStr for Table {
    type Err = DataError;

    /// Parses lines of numbers between commas. Blank lines are passed over, and so is a first line without any number.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut table = Self::default();
        let mut row = Vec::new();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (place, (index, line)) in lines.enumerate() {
            let fields = || line.split(',').map(str::trim);
            if place == 0 && fields().all(|field| field.parse::<f64>().is_err()) {
                continue;
            }
            row.clear();
            for (column, field) in fields().enumerate() {
                let number = field.parse::<f64>().ok().filter(|number| number.is_finite());
                row.push(number.ok_or_else(|| DataError::NotANumber {
                    line: index + 1,
                    column: column + 1,
                    text: field.chars().take(40).collect(),
                })?);
            }
            if table.is_empty() {
                table.columns = row.len();
            }
            table.push(index + 1, &row)?;
        }
        if table.numbers.is_empty() { Err(DataError::Empty) } else { Ok(table) }
    }
}
