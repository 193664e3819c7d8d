//! Amounts of money: millionths inside, a decimal number with at most six decimals outside. One currency a store.

use crate::error::{Error, Result, excerpt};

/// Millionths of one unit of the store's currency.
pub type Micros = i64;

const MICROS: u64 = 1_000_000;
const DECIMALS_MAX: usize = 6;

/// Reads a decimal number exactly: no exponent, at most six decimals.
pub fn parse(text: &str) -> Result<Micros> {
    let wrong = || {
        Error::bad_arg(format!(
            "'{}' is not an amount: write a number with at most {DECIMALS_MAX} decimals, like 12.5 or -3",
            excerpt(text.as_bytes())
        ))
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(decimals) || decimals.len() > DECIMALS_MAX {
        return Err(wrong());
    }
    let decimals: u64 = format!("{decimals:0<DECIMALS_MAX$}").parse().map_err(|_| wrong())?;
    let micros = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(MICROS)?.checked_add(decimals));
    let micros = micros.and_then(|micros| i64::try_from(micros).ok()).ok_or_else(wrong)?;
    Ok(if negative { -micros } else { micros })
}

/// The shortest decimal number: `12.5`, `-3`, `0`.
pub fn format(amount: Micros) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, rest) = (amount.unsigned_abs() / MICROS, amount.unsigned_abs() % MICROS);
    let text = format!("{sign}{whole}.{rest:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, micros) in [("0", 0), ("12.5", 12_500_000), ("-3", -3_000_000), ("0.000001", 1), ("-0.1", -100_000)]
        {
            assert_eq!(parse(text), Ok(micros));
            assert_eq!(format(micros), text);
        }
        assert_eq!(parse("9223372036854.775807"), Ok(i64::MAX));
        for text in ["", "-", ".5", "1.", "1e3", "1.0000001", "9223372036854.775808", "1,5", "--1", "NaN"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
