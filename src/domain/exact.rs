//! Exact numbers: rationals that never round until asked to (semantics 1, law 2).
//!
//! A value is an `i128` numerator over an `i128` denominator as long as it fits; what does not fit
//! takes the general path, `BigRational`. Both paths are the same arithmetic, so no operation can
//! overflow, and values that are equal are equal whatever path made them.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

use super::money::Rounding;

/// An exact rational number.
#[derive(Clone)]
pub struct Exact(Repr);

#[derive(Clone)]
enum Repr {
    /// `den` is above zero; the fraction need not be in lowest terms.
    Small {
        num: i128,
        den: i128,
    },
    Big(Box<BigRational>),
}
use Repr::{Big, Small};

/// A whole number of minor units beyond what the ledger can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("figure of {0} digits is beyond what can be posted")]
pub struct TooLarge(usize);

impl TooLarge {
    /// Beyond what 128 bits hold.
    pub const BEYOND: TooLarge = TooLarge(39);
}

impl Exact {
    /// Zero.
    pub const ZERO: Exact = Exact(Small { num: 0, den: 1 });

    /// A whole number.
    pub const fn whole(num: i128) -> Self {
        Exact(Small { num, den: 1 })
    }

    /// `num / den`, or `None` over a zero denominator.
    pub fn ratio(num: i128, den: i128) -> Option<Self> {
        match den.cmp(&0) {
            Ordering::Greater => Some(Exact(Small { num, den })),
            Ordering::Equal => None,
            Ordering::Less => Some(Self::from_big(BigRational::new(num.into(), den.into()))),
        }
    }

    /// A scaled integer: `value / 10^decimals`.
    pub fn scaled(value: i128, decimals: u32) -> Self {
        match 10_i128.checked_pow(decimals) {
            Some(den) => Exact(Small { num: value, den }),
            None => Self::from_big(BigRational::new(value.into(), BigInt::from(10).pow(decimals))),
        }
    }

    fn from_big(value: BigRational) -> Self {
        match (value.numer().to_i128(), value.denom().to_i128()) {
            (Some(num), Some(den)) => Exact(Small { num, den }),
            _ => Exact(Big(Box::new(value))),
        }
    }

    fn to_big(&self) -> BigRational {
        match &self.0 {
            Small { num, den } => BigRational::new((*num).into(), (*den).into()),
            Big(value) => (**value).clone(),
        }
    }

    /// The sum.
    #[must_use]
    pub fn add(&self, other: &Exact) -> Exact {
        if let (Small { num: a, den: b }, Small { num: c, den: d }) = (&self.0, &other.0) {
            let sum = if b == d {
                a.checked_add(*c).map(|num| (num, *b))
            } else if d % b == 0 {
                a.checked_mul(d / b).and_then(|a| a.checked_add(*c)).map(|num| (num, *d))
            } else if b % d == 0 {
                c.checked_mul(b / d).and_then(|c| c.checked_add(*a)).map(|num| (num, *b))
            } else {
                let den = b.checked_mul(*d);
                let (ad, cb) = (a.checked_mul(*d), c.checked_mul(*b));
                ad.zip(cb).and_then(|(ad, cb)| ad.checked_add(cb)).zip(den)
            };
            if let Some((num, den)) = sum {
                return Exact(Small { num, den });
            }
        }
        Self::from_big(self.to_big() + other.to_big())
    }

    /// The difference.
    #[must_use]
    pub fn sub(&self, other: &Exact) -> Exact {
        self.add(&other.neg())
    }

    /// The negative.
    #[must_use]
    pub fn neg(&self) -> Exact {
        if let Small { num, den } = self.0
            && let Some(num) = num.checked_neg()
        {
            return Exact(Small { num, den });
        }
        Self::from_big(-self.to_big())
    }

    /// The product.
    #[must_use]
    pub fn mul(&self, other: &Exact) -> Exact {
        if let (Small { num: a, den: b }, Small { num: c, den: d }) = (&self.0, &other.0)
            && let (Some(num), Some(den)) = (a.checked_mul(*c), b.checked_mul(*d))
        {
            return Exact(Small { num, den });
        }
        Self::from_big(self.to_big() * other.to_big())
    }

    /// The quotient, or `None` for a zero divisor. A formula divides once, last.
    pub fn div(&self, other: &Exact) -> Option<Exact> {
        if other.is_zero() {
            return None;
        }
        if let (Small { num: a, den: b }, Small { num: c, den: d }) = (&self.0, &other.0)
            && *c > 0
            && let (Some(num), Some(den)) = (a.checked_mul(*d), b.checked_mul(*c))
        {
            return Some(Exact(Small { num, den }));
        }
        Some(Self::from_big(self.to_big() / other.to_big()))
    }

    /// Whether numerator and denominator of the lowest terms fit in 128 bits.
    pub fn is_small(&self) -> bool {
        matches!(self.0, Small { .. })
    }

    /// Whether this is zero.
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Small { num, .. } => *num == 0,
            Big(value) => value.is_zero(),
        }
    }

    /// Rounds to a whole number.
    pub fn round(&self, rounding: Rounding) -> Result<i128, TooLarge> {
        match &self.0 {
            Small { num, den } => Ok(round_small(*num, *den, rounding)),
            Big(value) => {
                let rounded = round_big(value, rounding);
                rounded.to_i128().ok_or_else(|| TooLarge(rounded.abs().to_string().len()))
            }
        }
    }

    /// The least whole number that is not below it.
    #[must_use]
    pub fn ceil(&self) -> Exact {
        match &self.0 {
            Small { num, den } => {
                let part = i128::from(num % den > 0);
                // The quotient is whole only over 1, so one more still fits.
                Exact::whole(num / den + part)
            }
            Big(value) => Self::from_big(value.ceil()),
        }
    }

    /// The greatest whole number that is not above it.
    #[must_use]
    pub fn floor(&self) -> Exact {
        self.neg().ceil().neg()
    }

    /// The exact decimal text if there is one within `decimals`, else the text rounded to them
    /// (half away from zero), for display only. Without trailing zeros.
    pub fn text(&self, decimals: u32) -> String {
        let scaled = self.to_big() * BigInt::from(10).pow(decimals);
        let digits = round_big(&scaled, Rounding::HalfAwayFromZero);
        let width = usize::try_from(decimals).unwrap_or(usize::MAX);
        let sign = if digits.is_negative() { "-" } else { "" };
        let digits = format!("{:0>1$}", digits.abs().to_string(), width.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len() - width);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// Numerator and denominator in lowest terms: the canonical form that digests are made of.
    pub fn lowest_terms(&self) -> String {
        match &self.0 {
            Small { num, den } => {
                let divisor = num.gcd(den);
                format!("{}/{}", num / divisor, den / divisor)
            }
            Big(value) => {
                let value = value.reduced();
                format!("{}/{}", value.numer(), value.denom())
            }
        }
    }
}

/// The quotient and remainder by truncation, then one step away from zero where the rule says so.
fn round_small(num: i128, den: i128, rounding: Rounding) -> i128 {
    let (quotient, remainder) = (num / den, num % den);
    // |remainder| < den, so neither subtraction below can overflow.
    let twice = remainder.unsigned_abs().cmp(&(den.unsigned_abs() - remainder.unsigned_abs()));
    let away = match (twice, rounding) {
        (Ordering::Less, _) => false,
        (Ordering::Greater, _) | (Ordering::Equal, Rounding::HalfAwayFromZero) => true,
        (Ordering::Equal, Rounding::HalfEven) => quotient % 2 != 0,
    };
    if away { quotient + num.signum() } else { quotient }
}

fn round_big(value: &BigRational, rounding: Rounding) -> BigInt {
    let (quotient, remainder) = (value.numer() / value.denom(), value.numer() % value.denom());
    let twice = (remainder.abs() * 2_u8).cmp(value.denom());
    let away = match (twice, rounding) {
        (Ordering::Less, _) => false,
        (Ordering::Greater, _) | (Ordering::Equal, Rounding::HalfAwayFromZero) => true,
        (Ordering::Equal, Rounding::HalfEven) => quotient.is_odd(),
    };
    if away { quotient + value.numer().signum() } else { quotient }
}

impl Default for Exact {
    fn default() -> Self {
        Exact::ZERO
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    /// Compares products, never quotients.
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Small { num: a, den: b }, Small { num: c, den: d }) = (&self.0, &other.0) {
            if b == d {
                return a.cmp(c);
            }
            if let (Some(left), Some(right)) = (a.checked_mul(*d), c.checked_mul(*b)) {
                return left.cmp(&right);
            }
        }
        self.to_big().cmp(&other.to_big())
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lowest_terms())
    }
}

/// Rounds parts so that they sum to their rounded whole: each is floored, then one unit each goes to the
/// largest remainders, ties in the order given (semantics 9, place 4). A negative whole is settled as its
/// positive, negated. Empty for no parts.
pub fn settle(whole: i128, parts: &[Exact]) -> Vec<i128> {
    let sign = if whole < 0 { Exact::whole(-1) } else { Exact::whole(1) };
    let exact: Vec<Exact> = parts.iter().map(|part| part.mul(&sign)).collect();
    let mut settled: Vec<Exact> = exact.iter().map(Exact::floor).collect();
    let rests: Vec<Exact> = exact.iter().zip(&settled).map(|(part, floor)| part.sub(floor)).collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| rests[*b].cmp(&rests[*a]));
    let given = settled.iter().fold(Exact::ZERO, |sum, part| sum.add(part));
    let mut left = Exact::whole(whole).mul(&sign).sub(&given);
    let mut one = Exact::whole(1);
    if left < Exact::ZERO {
        order.reverse();
        one = Exact::whole(-1);
    }
    for place in order.into_iter().cycle() {
        if left.is_zero() {
            break;
        }
        settled[place] = settled[place].add(&one);
        left = left.sub(&one);
    }
    let whole_number = |part: &Exact| part.mul(&sign).round(Rounding::HalfEven).unwrap_or(whole);
    settled.iter().map(whole_number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ratio(num: i128, den: i128) -> Exact {
        Exact::ratio(num, den).unwrap()
    }

    #[test]
    fn halves_round_as_the_rule_says() {
        use Rounding::{HalfAwayFromZero as Away, HalfEven as Even};
        for (num, den, rounding, expected) in [
            (25, 10, Away, 3),
            (-25, 10, Away, -3),
            (25, 10, Even, 2),
            (35, 10, Even, 4),
            (-25, 10, Even, -2),
            (-35, 10, Even, -4),
            (249, 100, Away, 2),
            (251, 100, Even, 3),
            (0, 7, Away, 0),
            (i128::MAX, 1, Away, i128::MAX),
            (i128::MAX, i128::MAX, Even, 1),
            (310_425_350_523_561, 1_000_000, Even, 310_425_351),
        ] {
            assert_eq!(ratio(num, den).round(rounding), Ok(expected), "{num}/{den} {rounding:?}");
        }
    }

    #[test]
    fn what_does_not_fit_takes_the_general_path() {
        let huge = Exact::whole(i128::MAX);
        let square = huge.mul(&huge);
        assert_eq!(square.div(&huge), Some(huge.clone()));
        assert_eq!(square.sub(&square), Exact::ZERO);
        assert!(square.round(Rounding::HalfEven).is_err());
        assert!(square > huge);
        assert_eq!(Exact::whole(i128::MIN).neg().sub(&Exact::whole(1)), Exact::whole(i128::MAX));
    }

    #[test]
    fn text_is_exact_where_it_can_be() {
        for (value, decimals, text) in [
            (ratio(5, 4), 6, "1.25"),
            (ratio(-1, 3), 6, "-0.333333"),
            (ratio(2, 3), 2, "0.67"),
            (Exact::whole(40), 2, "40"),
            (ratio(-1, 1_000_000_000), 6, "0"),
        ] {
            assert_eq!(value.text(decimals), text);
        }
    }

    #[test]
    fn parts_settle_by_largest_remainder() {
        let thirds = vec![ratio(1000, 3); 3];
        assert_eq!(settle(1000, &thirds), [334, 333, 333]);
        let minus: Vec<_> = thirds.iter().map(Exact::neg).collect();
        assert_eq!(settle(-1000, &minus), [-334, -333, -333]);
        assert_eq!(settle(10, &[ratio(10, 3), ratio(20, 3), Exact::ZERO]), [3, 7, 0]);
        assert_eq!(settle(0, &[ratio(1, 2), ratio(-1, 2)]), [1, -1]);
        assert_eq!(settle(1, &[Exact::whole(1), Exact::whole(1)]), [1, 0]);
        assert_eq!(settle(0, &[]), [0; 0]);
    }

    fn any_exact() -> impl Strategy<Value = Exact> {
        let part = prop_oneof![-1000_i128..1000, any::<i64>().prop_map(i128::from), any::<i128>()];
        (part, prop_oneof![Just(1_i128), Just(100_000_000), 1_i128..1_000_000_000_000_000_000])
            .prop_map(|(num, den)| ratio(num, den))
    }

    proptest! {
        #[test]
        fn both_paths_agree(a in any_exact(), b in any_exact()) {
            let (x, y) = (a.to_big(), b.to_big());
            prop_assert_eq!(a.add(&b).to_big(), &x + &y);
            prop_assert_eq!(a.sub(&b).to_big(), &x - &y);
            prop_assert_eq!(a.mul(&b).to_big(), &x * &y);
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            if !b.is_zero() {
                prop_assert_eq!(a.div(&b).unwrap().to_big(), &x / &y);
            }
            for rounding in [Rounding::HalfAwayFromZero, Rounding::HalfEven] {
                prop_assert_eq!(BigInt::from(a.round(rounding).unwrap()), round_big(&x, rounding));
            }
        }

        #[test]
        fn parts_sum_to_the_whole(parts in prop::collection::vec((-1000_i128..1000, 1_i128..50), 1..12)) {
            let exact: Vec<_> = parts.iter().map(|(num, den)| ratio(*num, *den)).collect();
            let sum = exact.iter().fold(Exact::ZERO, |sum, part| sum.add(part));
            let whole = sum.round(Rounding::HalfAwayFromZero).unwrap();
            let settled = settle(whole, &exact);
            prop_assert_eq!(settled.iter().sum::<i128>(), whole);
            for (part, exact) in settled.iter().zip(&exact) {
                prop_assert!(Exact::whole(*part).sub(exact) <= Exact::whole(1));
                prop_assert!(exact.sub(&Exact::whole(*part)) <= Exact::whole(1));
            }
        }
    }
}
