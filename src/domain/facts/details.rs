//! What deals say beside what every calculation reads: of every deal a row of the fields that say where it stands and
//! of those that some condition or expression reads, of none other, and every text once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::Days;

use super::standing::KEPT;
use super::{FactsFault, index};
use crate::domain::condition::{Field, Type, Value};
use crate::domain::date::Day;
use crate::domain::deal::Deal;
use crate::domain::exact::Exact;
use crate::domain::number::{PERCENT_DECIMALS, Percent};

/// Rows by deal.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    /// The fields of a row, in order.
    pub kept: Vec<Field>,
    /// One after the other, as long as there are fields: from 1 on the place of a text, a day or millionths of a
    /// percent; 0 where nothing is known.
    rows: Vec<u32>,
    texts: Texts,
}

/// Texts in one allocation.
#[derive(Debug, Clone, Default)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn add(&mut self, text: &str) -> Result<u32, FactsFault> {
        self.all.push_str(text);
        self.ends.push(index(self.all.len())?);
        index(self.ends.len())
    }

    /// A text by its place, from 1 on.
    fn get(&self, place: u32) -> Option<&str> {
        let place = usize::try_from(place).ok()?.checked_sub(1)?;
        let start = place.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.all.get(start as usize..*self.ends.get(place)? as usize)
    }
}

/// The fields that are kept in rows. Others have a place of their own in the facts, or are of no deal.
fn is_kept(field: &Field) -> bool {
    kind(field).is_some()
}

fn kind(field: &Field) -> Option<Type> {
    match field {
        Field::DealCustomer
        | Field::DealProduct
        | Field::DealCurrency
        | Field::DealStage
        | Field::DealOutcome
        | Field::Attribute(_) => Some(Type::Text),
        Field::DealProbability => Some(Type::Number),
        Field::DealOpened | Field::DealClosed => Some(Type::Date),
        _ => None,
    }
}

impl Details {
    /// Keeps of every deal where it stands.
    pub fn of_every_deal() -> Self {
        Details { kept: KEPT.to_vec(), ..Details::default() }
    }

    /// Keeps what a text reads, from the first deal on.
    pub fn keep<'a>(&mut self, fields: impl IntoIterator<Item = &'a Field>) {
        self.kept.extend(fields.into_iter().filter(|field| is_kept(field)).cloned());
        self.kept.sort_unstable();
        self.kept.dedup();
    }

    /// A row of which nothing is known.
    pub fn add(&mut self) -> Result<u32, FactsFault> {
        let row = index(self.rows.len())?;
        self.rows.resize(self.rows.len() + self.kept.len(), 0);
        Ok(row)
    }

    /// Writes a row: what `read` says of each field. `texts` are those that are there already. Answers the field of which
    /// that cannot be.
    pub fn write<'a>(
        &mut self,
        row: u32,
        texts: &mut BTreeMap<Box<str>, u32>,
        mut read: impl FnMut(&Field) -> Option<Cow<'a, str>>,
    ) -> Result<Option<Field>, FactsFault> {
        let cells = self.rows.get_mut(row as usize..).unwrap_or_default();
        for (field, cell) in self.kept.iter().zip(cells) {
            let Some(text) = read(field) else { continue };
            let figure = match kind(field) {
                Some(Type::Date) => Day::parse(&text).ok().map(|day| day.days_since(Day::EARLIEST)),
                Some(Type::Number) => Percent::parse(&text).ok().map(|percent| percent.0),
                Some(Type::Text | Type::Bool) | None => {
                    *cell = match texts.get(&*text) {
                        Some(place) => *place,
                        None => {
                            let place = self.texts.add(&text)?;
                            texts.insert(text.into(), place);
                            place
                        }
                    };
                    continue;
                }
            };
            let figure = figure.and_then(|figure| u32::try_from(figure).ok()).and_then(|f| f.checked_add(1));
            match figure {
                Some(figure) => *cell = figure,
                None => return Ok(Some(field.clone())),
            }
        }
        Ok(None)
    }

    /// What is known of a field.
    pub fn get(&self, row: u32, field: &Field) -> Option<Value<'_>> {
        let place = self.kept.binary_search(field).ok()?;
        let cell = *self.rows.get(row as usize + place)?;
        let figure = cell.checked_sub(1)?;
        match kind(field)? {
            Type::Text | Type::Bool => self.texts.get(cell).map(Value::Text),
            Type::Date => {
                let day = Day::EARLIEST.date().checked_add_days(Days::new(figure.into()));
                day.and_then(Day::from_date).map(Value::Date)
            }
            Type::Number => Some(Value::Number(Exact::scaled(i128::from(figure), PERCENT_DECIMALS))),
        }
    }

    /// Takes the texts of others behind its own, and answers how many stood before.
    pub fn take_texts(&mut self, others: &Details) -> Result<u32, FactsFault> {
        let before = index(self.texts.ends.len())?;
        let start = index(self.texts.all.len())?;
        self.texts.all.push_str(&others.texts.all);
        index(self.texts.all.len())?;
        self.texts.ends.extend(others.texts.ends.iter().map(|end| start + end));
        Ok(before)
    }

    /// Takes a row of others that keep the same, whose texts stand behind so many.
    pub fn take_row(&mut self, others: &Details, row: u32, before: u32) -> Result<u32, FactsFault> {
        let taken = index(self.rows.len())?;
        let cells = others.rows.get(row as usize..).unwrap_or_default().iter().zip(&self.kept);
        self.rows.extend(cells.map(|(cell, field)| match kind(field) {
            Some(Type::Text) if *cell > 0 => cell + before,
            _ => *cell,
        }));
        Ok(taken)
    }

    /// The same fields kept of no deal.
    pub fn without_rows(&self) -> Self {
        Details { kept: self.kept.clone(), ..Details::default() }
    }

    /// Takes a row of others that keep the same, with its texts.
    pub fn copy_row(&mut self, others: &Details, row: u32) -> Result<u32, FactsFault> {
        let copied = index(self.rows.len())?;
        for (field, place) in others.kept.iter().zip(row as usize..) {
            let cell = others.rows.get(place).copied().unwrap_or_default();
            let text = matches!(kind(field), Some(Type::Text)).then(|| others.texts.get(cell)).flatten();
            self.rows.push(text.map_or(Ok(cell), |text| self.texts.add(text))?);
        }
        Ok(copied)
    }

    /// The place of a field in a row.
    pub fn place(&self, field: &Field) -> Option<usize> {
        self.kept.binary_search(field).ok()
    }

    /// What a row holds at a place of a field: of a text its place, from 1 on.
    pub fn cell(&self, row: u32, place: usize) -> u32 {
        self.rows.get(row as usize + place).copied().unwrap_or_default()
    }

    /// A text by its place, from 1 on.
    pub fn text(&self, place: u32) -> Option<&str> {
        self.texts.get(place)
    }

    /// How many texts there are.
    pub fn text_count(&self) -> usize {
        self.texts.ends.len()
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        (self.rows.len() + self.texts.ends.len()) * size_of::<u32>() + self.texts.all.len()
    }
}

impl Deal {
    /// What a deal says of a field that conditions read, as text.
    pub fn detail(&self, field: &Field) -> Option<Cow<'_, str>> {
        match field {
            Field::DealCustomer => self.customer.as_ref().map(|id| id.as_str().into()),
            Field::DealProduct => self.product.as_ref().map(|id| id.as_str().into()),
            Field::DealCurrency => Some(self.currency.code().into()),
            Field::DealStage => self.stage.as_deref().map(Cow::from),
            Field::DealOutcome => Some(self.outcome.name().into()),
            Field::DealProbability => self.probability.map(|percent| percent.to_string().into()),
            Field::DealOpened => self.opened.map(|day| day.to_string().into()),
            Field::DealClosed => self.closed.map(|day| day.to_string().into()),
            Field::Attribute(name) => self.attributes.get(name).map(|text| text.as_str().into()),
            _ => None,
        }
    }
}
