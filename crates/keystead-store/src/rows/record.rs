//! Reading one row with suspicion: whatever does not make sense is reported with its table, its record and its column.

use std::fmt::Display;
use std::str::FromStr;

use keystead_core::port::StoreError;
use keystead_core::sealing::Sealed;
use keystead_model::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

use super::encoding::TIMESTAMP_MILLIS_MAX;

/// What an error says about where a row comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The table.
    pub(crate) table: &'static str,
    /// The columns that name a record in it, all of text.
    pub(crate) identity: &'static [&'static str],
}

/// One row of a table.
pub(crate) struct Record<'r> {
    row: &'r SqliteRow,
    layout: Layout,
}

impl<'r> Record<'r> {
    /// A row of a table with this layout.
    pub(crate) fn new(row: &'r SqliteRow, layout: Layout) -> Self {
        Self { row, layout }
    }

    /// The error for a column that does not make sense.
    pub(crate) fn damaged(&self, column: &str, what: impl Display) -> StoreError {
        let identity = self.layout.identity.iter().map(|column| self.row.try_get(*column).unwrap_or("(unreadable)"));
        let identity = identity.collect::<Vec<&str>>().join(" ");
        StoreError::Damaged(format!("table {}, record {identity}, column {column}: {what}", self.layout.table))
    }

    /// A column as the engine gives it.
    pub(crate) fn value<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|error| self.damaged(column, error))
    }

    /// A column of text.
    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.value(column)
    }

    /// A column of text that stands for something.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.parse(column, self.value(column)?)
    }

    /// As [`Record::parsed`], for a column that may be NULL.
    pub(crate) fn optional_parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.value::<Option<&str>>(column)?.map(|text| self.parse(column, text)).transpose()
    }

    fn parse<T: FromStr<Err: Display>>(&self, column: &str, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|error: T::Err| self.damaged(column, error))
    }

    /// A column of a whole number in the range of `T`.
    pub(crate) fn whole<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError> {
        self.in_range(column, self.value(column)?)
    }

    /// As [`Record::whole`], for a column that may be NULL.
    pub(crate) fn optional_whole<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.value::<Option<i64>>(column)?.map(|number| self.in_range(column, number)).transpose()
    }

    fn in_range<T: TryFrom<i64>>(&self, column: &str, number: i64) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.damaged(column, format_args!("{number} is out of range")))
    }

    /// A column of a point in time.
    pub(crate) fn timestamp(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.point_in_time(column, self.value(column)?)
    }

    /// As [`Record::timestamp`], for a column that may be NULL.
    pub(crate) fn optional_timestamp(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        self.value::<Option<i64>>(column)?.map(|millis| self.point_in_time(column, millis)).transpose()
    }

    /// The point in time that a number of a column stands for.
    pub(crate) fn point_in_time(&self, column: &str, millis: i64) -> Result<Timestamp, StoreError> {
        match (0..=TIMESTAMP_MILLIS_MAX).contains(&millis) {
            true => Ok(Timestamp::from_millis(millis)),
            false => Err(self.damaged(column, format_args!("{millis} is no date from 1970 to 9999"))),
        }
    }

    /// A column of JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        self.parse_json(column, self.value(column)?)
    }

    /// As [`Record::json`], for a column that may be NULL.
    pub(crate) fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.value::<Option<&str>>(column)?.map(|text| self.parse_json(column, text)).transpose()
    }

    fn parse_json<T: DeserializeOwned>(&self, column: &str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.damaged(column, error))
    }

    /// A column of so many bytes.
    pub(crate) fn bytes<const N: usize>(&self, column: &str) -> Result<[u8; N], StoreError> {
        let bytes: &[u8] = self.value(column)?;
        bytes.try_into().map_err(|_| self.damaged(column, format_args!("expected {N} bytes")))
    }

    /// A column of sealed bytes.
    pub(crate) fn sealed(&self, column: &str) -> Result<Sealed, StoreError> {
        self.value::<Vec<u8>>(column).map(Sealed::from_bytes)
    }

    /// As [`Record::sealed`], for a column that may be NULL.
    pub(crate) fn optional_sealed(&self, column: &str) -> Result<Option<Sealed>, StoreError> {
        Ok(self.value::<Option<Vec<u8>>>(column)?.map(Sealed::from_bytes))
    }
}
