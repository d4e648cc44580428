//! Powers of floating-point numbers.

/// `x ** y`, rounded as Go's `math.Pow` does: whole powers are made by squaring.
pub(super) fn power(x: f64, y: f64) -> f64 {
    let magnitude = y.abs();
    let ordinary = x.is_finite() && x != 0.0 && magnitude.is_finite() && y != 0.0;
    if magnitude == 0.5 && x.is_finite() {
        return if y < 0.0 { 1.0 / x.sqrt() } else { x.sqrt() };
    }
    let is_root = x < 0.0 && y.fract() != 0.0;
    if !ordinary || x == 1.0 || is_root || magnitude >= 2f64.powi(63) {
        return x.powf(y);
    }
    let (mut whole, mut fraction) = (magnitude.trunc(), magnitude.fract());
    let mut result = 1.0;
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        result = (fraction * x.ln()).exp();
    }
    // The result is `result` times 2 to the `exponent`, so that nothing overflows on the way.
    let mut exponent: i64 = 0;
    let (mut square, mut square_exponent) = parts(x);
    let mut left = whole as i64;
    while left != 0 {
        if !(-(1 << 12)..=1 << 12).contains(&square_exponent) {
            exponent += square_exponent;
            break;
        }
        if left & 1 == 1 {
            result *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left >>= 1;
    }
    if y < 0.0 {
        result = 1.0 / result;
        exponent = -exponent;
    }
    scaled(result, exponent)
}

/// A number as one of at least a half and below one, times a power of two.
fn parts(x: f64) -> (f64, i64) {
    let tiny = x.abs() < f64::MIN_POSITIVE;
    let normal = if tiny { x * 2f64.powi(54) } else { x };
    let bits = normal.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1022 - if tiny { 54 } else { 0 };
    let fraction = f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52));
    (fraction, exponent)
}

/// `x` times 2 to the `exponent`.
fn scaled(mut x: f64, exponent: i64) -> f64 {
    let mut left = exponent.clamp(-4_000, 4_000) as i32;
    while left != 0 {
        let step = left.clamp(-1_000, 1_000);
        x *= 2f64.powi(step);
        left -= step;
    }
    x
}
