//! Units: SenML's registry (RFC 8428, RFC 8798) as far as it has ours, then
//! UCUM codes.
//!
//! RFC 8428 lists `%` as an old second name of `/`, a ratio from 0 to 1; what
//! sensors send under it is a percentage, and that is how it is read. `/100`
//! (RFC 8798) says the same without a doubt, and is what we write.

use model::Unit;

pub(super) fn parse(text: &str) -> Option<Unit> {
    let unit = match text {
        "/" => Unit::Fraction,
        "%" | "/100" | "%RH" | "%EL" => Unit::Percent,
        "/1000" => Unit::PartPerThousand,
        "ppm" => Unit::PartPerMillion,
        "lat" | "lon" => Unit::Degree,
        "l" => Unit::Litre,
        "count" => Unit::One,
        "1/s" => Unit::Hertz,
        "EL" => Unit::Second,
        // In no registry, and what ships send.
        "kn" => Unit::Knot,
        // SenML's other names are the same as the UCUM codes of our units.
        ucum => return Unit::parse(ucum).ok(),
    };
    Some(unit)
}

/// A name that [`parse`] turns back into `unit`: the registry's where it has
/// one, else the UCUM code.
pub(super) fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Fraction => "/",
        Unit::Percent => "/100",
        Unit::PartPerThousand => "/1000",
        Unit::PartPerMillion => "ppm",
        Unit::Litre => "l",
        Unit::One => "count",
        other => other.ucum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_can_be_written_and_read_back() {
        for &unit in Unit::ALL {
            assert_eq!(parse(name(unit)), Some(unit));
            assert_eq!(parse(unit.ucum()), Some(unit));
        }
    }

    #[test]
    fn names_of_the_registry_are_read() {
        let same_as_ucum = [
            "m", "s", "K", "Hz", "rad", "Pa", "V", "Cel", "m3", "m/s", "deg", "ms", "min", "h",
            "mV", "mm", "cm", "km", "km/h", "mm/h", "hPa", "ug/m3",
        ];
        for text in same_as_ucum {
            assert_eq!(parse(text).map(Unit::ucum), Some(text));
        }
        assert_eq!(parse("%RH"), Some(Unit::Percent));
        assert_eq!(parse("lon"), Some(Unit::Degree));
        assert_eq!(parse("lx"), None);
    }
}
