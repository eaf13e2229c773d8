//! Sizes as configuration writes them: `512B`, `256KiB`, `32MiB`.

use serde::{Deserialize, Deserializer, Serializer};

const UNITS: [(&str, usize); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

fn parse(text: &str) -> Option<usize> {
    let (number, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    number.parse::<usize>().ok()?.checked_mul(factor)
}

pub(crate) fn serialize<S: Serializer>(size: &usize, serializer: S) -> Result<S::Ok, S::Error> {
    let (unit, factor) = UNITS
        .into_iter()
        .find(|(_, factor)| *size != 0 && size.is_multiple_of(*factor))
        .unwrap_or(("B", 1));
    serializer.collect_str(&format_args!("{}{unit}", size / factor))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "`{}` is no size; write a whole number with B, KiB, MiB or GiB, like 256KiB",
            text.escape_debug()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_are_binary() {
        assert_eq!(parse("256KiB"), Some(262_144));
        assert_eq!(parse("0B"), Some(0));
        assert_eq!(parse("256kB"), None);
        assert_eq!(parse("-1B"), None);
        assert_eq!(parse("99999999999999GiB"), None);
    }
}
