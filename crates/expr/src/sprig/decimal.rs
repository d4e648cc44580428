//! Decimal arithmetic for `addf`, `mulf` and the like, so that 0.1 + 0.2 is 0.3.

/// A number as its digits and the power of ten that they are multiplied by; a float where those
/// would not fit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decimal {
    Exact { digits: i128, exponent: i32 },
    Float(f64),
}

/// How many places after the point a quotient has.
const QUOTIENT_PLACES: i32 = 16;

impl Decimal {
    /// The shortest decimal that stands for the float.
    pub(super) fn from_float(f: f64) -> Self {
        let text = format!("{f:e}");
        let parsed = text.split_once('e').and_then(|(mantissa, exponent)| {
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let digits = format!("{whole}{fraction}").parse().ok()?;
            let exponent: i32 = exponent.parse().ok()?;
            Some(Self::Exact {
                digits,
                exponent: exponent - i32::try_from(fraction.len()).ok()?,
            })
        });
        parsed.unwrap_or(Self::Float(f))
    }

    /// The float that is nearest.
    pub(super) fn to_float(self) -> f64 {
        match self {
            Self::Exact { digits, exponent } => {
                format!("{digits}e{exponent}").parse().unwrap_or(f64::NAN)
            }
            Self::Float(f) => f,
        }
    }

    pub(super) fn add(self, other: Self) -> Self {
        self.combine(
            other,
            |a, b| a + b,
            |a, b, exponent| Some((a.checked_add(b)?, exponent)),
        )
    }

    pub(super) fn subtract(self, other: Self) -> Self {
        self.combine(
            other,
            |a, b| a - b,
            |a, b, exponent| Some((a.checked_sub(b)?, exponent)),
        )
    }

    pub(super) fn multiply(self, other: Self) -> Self {
        self.combine(
            other,
            |a, b| a * b,
            |a, b, exponent| Some((a.checked_mul(b)?, exponent.checked_mul(2)?)),
        )
    }

    /// Rounded to 16 places, halves away from zero.
    pub(super) fn divide(self, other: Self) -> Self {
        self.combine(
            other,
            |a, b| a / b,
            |a, b, _| {
                let scaled = a.checked_mul(10i128.checked_pow(QUOTIENT_PLACES.unsigned_abs())?)?;
                let quotient = scaled.checked_div(b)?;
                let rest = scaled.checked_rem(b)?;
                let rounds = rest.checked_mul(2)?.unsigned_abs() >= b.unsigned_abs();
                let sign = scaled.signum() * b.signum();
                Some((quotient + if rounds { sign } else { 0 }, -QUOTIENT_PLACES))
            },
        )
    }

    /// Brings both to one exponent and combines their digits; if these don't fit, their floats.
    fn combine(
        self,
        other: Self,
        floats: fn(f64, f64) -> f64,
        exact: fn(i128, i128, i32) -> Option<(i128, i32)>,
    ) -> Self {
        let (a, b) = (self.shortened(), other.shortened());
        let both = match (a, b) {
            (
                Self::Exact {
                    digits: x,
                    exponent: i,
                },
                Self::Exact {
                    digits: y,
                    exponent: j,
                },
            ) => {
                let least = i.min(j);
                let scale = |digits: i128, exponent: i32| {
                    let power = u32::try_from(exponent - least).ok()?;
                    digits.checked_mul(10i128.checked_pow(power)?)
                };
                scale(x, i)
                    .zip(scale(y, j))
                    .and_then(|(x, y)| exact(x, y, least))
            }
            _ => None,
        };
        match both {
            Some((digits, exponent)) => Self::Exact { digits, exponent },
            None => Self::Float(floats(self.to_float(), other.to_float())),
        }
    }

    fn shortened(self) -> Self {
        let Self::Exact {
            mut digits,
            mut exponent,
        } = self
        else {
            return self;
        };
        if digits == 0 {
            exponent = 0;
        }
        while digits != 0 && digits % 10 == 0 {
            digits /= 10;
            exponent += 1;
        }
        Self::Exact { digits, exponent }
    }
}
