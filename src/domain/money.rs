//! Currencies and amounts of money.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{self, INTEGER_DIGITS, NumberFault};

/// Currencies in use (ISO 4217) by code, each with the number of its minor digits. Funds codes, metals and units of
/// account are left out: nobody is paid in them.
const TABLE: &str = "AED2 AFN2 ALL2 AMD2 AOA2 ARS2 AUD2 AWG2 AZN2 BAM2 BBD2 BDT2 BHD3 BIF0 BMD2 BND2 BOB2 BRL2 \
     BSD2 BTN2 BWP2 BYN2 BZD2 CAD2 CDF2 CHF2 CLP0 CNY2 COP2 CRC2 CUP2 CVE2 CZK2 DJF0 DKK2 DOP2 \
     DZD2 EGP2 ERN2 ETB2 EUR2 FJD2 FKP2 GBP2 GEL2 GHS2 GIP2 GMD2 GNF0 GTQ2 GYD2 HKD2 HNL2 HTG2 \
     HUF2 IDR2 ILS2 INR2 IQD3 IRR2 ISK0 JMD2 JOD3 JPY0 KES2 KGS2 KHR2 KMF0 KPW2 KRW0 KWD3 KYD2 \
     KZT2 LAK2 LBP2 LKR2 LRD2 LSL2 LYD3 MAD2 MDL2 MGA2 MKD2 MMK2 MNT2 MOP2 MRU2 MUR2 MVR2 MWK2 \
     MXN2 MYR2 MZN2 NAD2 NGN2 NIO2 NOK2 NPR2 NZD2 OMR3 PAB2 PEN2 PGK2 PHP2 PKR2 PLN2 PYG0 QAR2 \
     RON2 RSD2 RUB2 RWF0 SAR2 SBD2 SCR2 SDG2 SEK2 SGD2 SHP2 SLE2 SOS2 SRD2 SSP2 STN2 SVC2 SYP2 \
     SZL2 THB2 TJS2 TMT2 TND3 TOP2 TRY2 TTD2 TWD2 TZS2 UAH2 UGX0 USD2 UYU2 UZS2 VES2 VND0 VUV0 \
     WST2 XAF0 XCD2 XCG2 XOF0 XPF0 YER2 ZAR2 ZMW2 ZWG2";
/// Bytes of an entry of the table: three letters, a digit, a space.
const ENTRY: usize = 5;

/// A currency that people are paid in, with its number of minor digits. In a byte, since every deal has one; in the
/// order of the codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u8);

/// A text that names no currency in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 4217 code of a currency in use such as \"USD\", got {0:?}")]
pub struct CurrencyFault(String);

impl Currency {
    /// How many there are.
    const COUNT: u8 = 154;

    /// Finds a currency by its three upper-case letters.
    pub fn parse(code: &str) -> Result<Self, CurrencyFault> {
        let (mut from, mut to) = (0, Self::COUNT);
        while from < to {
            let middle = Currency(from.midpoint(to));
            match middle.code().cmp(code) {
                Ordering::Less => from = middle.0 + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => to = middle.0,
            }
        }
        Err(CurrencyFault(code.chars().take(20).collect()))
    }

    /// All of them, by code.
    pub fn all() -> impl Iterator<Item = Currency> {
        (0..Self::COUNT).map(Currency)
    }

    /// The three letters.
    pub fn code(self) -> &'static str {
        &TABLE[usize::from(self.0) * ENTRY..][..3]
    }

    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn minor_digits(self) -> u32 {
        u32::from(TABLE.as_bytes()[usize::from(self.0) * ENTRY + 3] - b'0')
    }

    /// Reads an amount in minor units: at most 15 integer digits and the currency's minor digits.
    pub fn parse_amount(self, text: &str) -> Result<i64, NumberFault> {
        let minor = number::parse(text, INTEGER_DIGITS, self.minor_digits())?;
        i64::try_from(minor)
            .map_err(|_| NumberFault::TooLarge { text: text.to_string(), limit: INTEGER_DIGITS })
    }

    /// Writes minor units as an amount padded to the minor digits.
    pub fn amount(self, minor: i128) -> String {
        number::padded(minor, self.minor_digits())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Currency::parse(&code).map_err(serde::de::Error::custom)
    }
}

/// How a figure that stands between two minor units is rounded (semantics 9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rounding {
    /// A half goes away from zero: 0.125 to 0.13, -0.125 to -0.13.
    HalfAwayFromZero,
    /// A half goes to the even neighbour: 0.125 to 0.12, 0.135 to 0.14.
    HalfEven,
}

impl Rounding {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Rounding::HalfAwayFromZero => "HALF_AWAY_FROM_ZERO",
            Rounding::HalfEven => "HALF_EVEN",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Rounding::HalfAwayFromZero, Rounding::HalfEven].into_iter().find(|mode| mode.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_entry_is_found() {
        let entries: Vec<&str> = TABLE.split(' ').collect();
        assert_eq!(entries.len(), usize::from(Currency::COUNT));
        assert!(entries.is_sorted_by(|a, b| a[..3] < b[..3]));
        for entry in entries {
            let currency = Currency::parse(&entry[..3]).unwrap();
            assert_eq!(format!("{currency}{}", currency.minor_digits()), entry);
        }
    }

    #[test]
    fn currencies_know_their_minor_digits() {
        for (code, digits) in [("USD", 2), ("JPY", 0), ("KWD", 3), ("CNY", 2), ("EUR", 2)] {
            assert_eq!(Currency::parse(code).map(Currency::minor_digits), Ok(digits));
        }
        for unknown in ["usd", "US", "", "XAU", "HRK", "USDX"] {
            assert!(Currency::parse(unknown).is_err(), "{unknown:?}");
        }
    }

    #[test]
    fn amounts_have_at_most_the_minor_digits() {
        let usd = Currency::parse("USD").unwrap();
        let yen = Currency::parse("JPY").unwrap();
        let dinar = Currency::parse("KWD").unwrap();
        assert_eq!(usd.parse_amount("1250.5").map(i128::from).map(|m| usd.amount(m)), Ok("1250.50".into()));
        assert!(usd.parse_amount("0.001").is_err());
        assert_eq!(yen.parse_amount("1250"), Ok(1250));
        assert!(yen.parse_amount("1250.0").is_err());
        assert_eq!(dinar.parse_amount("999999999999999.999"), Ok(999_999_999_999_999_999));
        assert_eq!(dinar.amount(-1), "-0.001");
    }
}
