//! Currencies and amounts of money.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{self, INTEGER_DIGITS, NumberFault};

/// Currencies in use (ISO 4217) by the number of their minor digits. Funds codes, metals and units of
/// account are left out: nobody is paid in them.
const CODES: [(u8, &str); 3] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
         CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL \
         HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT \
         MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB \
         SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH \
         USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

/// A currency that people are paid in, with its number of minor digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: &'static str,
    minor_digits: u8,
}

/// A text that names no currency in use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 4217 code of a currency in use such as \"USD\", got {0:?}")]
pub struct CurrencyFault(String);

impl Currency {
    /// Finds a currency by its three upper-case letters.
    pub fn parse(code: &str) -> Result<Self, CurrencyFault> {
        CODES
            .iter()
            .flat_map(|(digits, codes)| codes.split_ascii_whitespace().map(move |known| (*digits, known)))
            .find(|(_, known)| *known == code)
            .map(|(minor_digits, code)| Currency { code, minor_digits })
            .ok_or_else(|| CurrencyFault(code.chars().take(20).collect()))
    }

    /// The three letters.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn minor_digits(self) -> u32 {
        u32::from(self.minor_digits)
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
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
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
