//! Numbers as they are read: in their unit, short, and as the ticks of an axis.

use super::unit::Unit;

const KIB: f64 = 1024.0;
const MIB: f64 = KIB * KIB;
const GIB: f64 = KIB * MIB;

/// From which size on numbers are divided, by what, and what is written then.
type Scale = (f64, f64, &'static str);

impl Unit {
    /// The largest first; the last is for what is smaller.
    const fn scales(self) -> &'static [Scale] {
        match self {
            Self::Plain => &[
                (1e9, 1e9, "G"),
                (1e6, 1e6, "M"),
                (1e4, 1e3, "k"),
                (0.0, 1.0, ""),
            ],
            Self::PerSecond => &[(1e6, 1e6, "M/s"), (1e4, 1e3, "k/s"), (0.0, 1.0, "/s")],
            Self::Seconds => &[
                (7_200.0, 3_600.0, " h"),
                (120.0, 60.0, " min"),
                (1.0, 1.0, " s"),
                (1e-3, 1e-3, " ms"),
                (0.0, 1e-6, " µs"),
            ],
            Self::Bytes => &[
                (GIB, GIB, " GiB"),
                (MIB, MIB, " MiB"),
                (KIB, KIB, " KiB"),
                (0.0, 1.0, " B"),
            ],
            Self::BytesPerSecond => &[
                (GIB, GIB, " GiB/s"),
                (MIB, MIB, " MiB/s"),
                (KIB, KIB, " KiB/s"),
                (0.0, 1.0, " B/s"),
            ],
            Self::Ratio => &[(0.0, 0.01, "%")],
        }
    }

    /// The scale in which numbers up to `size` are short; nothing at all is
    /// written in the unit itself.
    fn scale(self, size: f64) -> Scale {
        let fits = |(from, by, _): &Scale| {
            if size == 0.0 {
                *by == 1.0
            } else {
                size >= *from
            }
        };
        let last = (0.0, 0.01, "%");
        let scales = self.scales();
        *scales
            .iter()
            .find(|scale| fits(scale))
            .or(scales.last())
            .unwrap_or(&last)
    }

    /// `value` with its unit, as short as it can be told apart.
    pub(crate) fn show(self, value: f64) -> String {
        if !value.is_finite() {
            return value.to_string();
        }
        let (_, by, sign) = self.scale(value.abs());
        let scaled = value / by;
        let digits = match scaled.abs() {
            0.0 => "0".to_owned(),
            size if size >= 100.0 => format!("{scaled:.0}"),
            size if size >= 10.0 => format!("{scaled:.1}"),
            size if size >= 1.0 => format!("{scaled:.2}"),
            size if size >= 0.1 => format!("{scaled:.3}"),
            size if size >= 0.001 => format!("{scaled:.4}"),
            _ => format!("{scaled:.1e}"),
        };
        format!("{digits}{sign}")
    }
}

/// The upright axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Values and what is written at them, the lowest first.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis from `low` to `high` or a little further, with at most `most`
    /// ticks (three at least) at round numbers of `unit`.
    pub(super) fn over(unit: Unit, low: f64, high: f64, most: usize) -> Self {
        let most = most.max(3) as f64;
        let (_, by, sign) = unit.scale(low.abs().max(high.abs()));
        let (from, to) = (low / by, high / by);
        let to = if to > from {
            to
        } else {
            from + from.abs().max(1.0)
        };
        let rough = (to - from) / (most - 1.0);
        let magnitude = (rough.log10().floor() as i32).clamp(-400, 400);
        let steps = (magnitude..magnitude + 3)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit * 10f64.powi(power), power)));
        for (step, power) in steps.filter(|(step, _)| step.is_normal()) {
            // What differs by rounding alone is on the tick.
            let first = (from / step + 1e-9).floor();
            let last = (to / step - 1e-9).ceil();
            if last - first + 1.0 > most {
                continue;
            }
            let count = (last - first) as usize + 1;
            let ticks = (0..count).map(|index| {
                let value = (first + index as f64) * step;
                (value * by, label(value, power, sign))
            });
            return Self {
                low: (first * step * by).min(low),
                high: (last * step * by).max(high),
                ticks: ticks.collect(),
            };
        }
        // Beyond what can be divided: its ends alone.
        Self {
            low,
            high,
            ticks: vec![(low, unit.show(low)), (high, unit.show(high))],
        }
    }
}

/// A tick with as many decimals as its step of `10^power` wants.
fn label(value: f64, power: i32, sign: &str) -> String {
    match usize::try_from(-power).unwrap_or(0) {
        _ if value == 0.0 => format!("0{sign}"),
        decimals @ 0..=6 => format!("{value:.decimals$}{sign}"),
        _ => format!("{value:.0e}{sign}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Unit};

    #[test]
    fn numbers_are_short_told_apart_and_in_their_unit() {
        for (unit, value, text) in [
            (Unit::Plain, 0.0, "0"),
            (Unit::Plain, 0.0123, "0.0123"),
            (Unit::Plain, 0.5, "0.500"),
            (Unit::Plain, 1.5, "1.50"),
            (Unit::Plain, -1.5, "-1.50"),
            (Unit::Plain, 512.0, "512"),
            (Unit::Plain, 25_300.0, "25.3k"),
            (Unit::Plain, 104_857_600.0, "105M"),
            (Unit::Plain, f64::NAN, "NaN"),
            (Unit::Bytes, 104_857_600.0, "100 MiB"),
            (Unit::Bytes, 12.0, "12.0 B"),
            (Unit::BytesPerSecond, 1_536.0, "1.50 KiB/s"),
            (Unit::Seconds, 0.0, "0 s"),
            (Unit::Seconds, 0.021, "21.0 ms"),
            (Unit::Seconds, 0.000_35, "350 µs"),
            (Unit::Seconds, 2.5, "2.50 s"),
            (Unit::Seconds, 300.0, "5.00 min"),
            (Unit::PerSecond, 12.34, "12.3/s"),
            (Unit::Ratio, 0.0, "0%"),
            (Unit::Ratio, 0.123, "12.3%"),
            (Unit::Ratio, 1.0, "100%"),
            (Unit::Seconds, f64::INFINITY, "inf"),
        ] {
            assert_eq!(unit.show(value), text, "{unit:?} {value}");
        }
    }

    #[test]
    fn ticks_are_round_numbers_around_what_is_shown() {
        for (unit, low, high, most, labels) in [
            (Unit::Plain, 0.0, 1.5, 5, vec!["0", "0.5", "1.0", "1.5"]),
            (Unit::Plain, 0.0, 0.0, 5, vec!["0", "0.5", "1.0"]),
            (Unit::Plain, -3.0, 4.0, 5, vec!["-4", "-2", "0", "2", "4"]),
            (Unit::Plain, 0.0, 1.0, 1, vec!["0", "0.5", "1.0"]),
            (
                Unit::Seconds,
                0.0,
                0.021,
                4,
                vec!["0 ms", "10 ms", "20 ms", "30 ms"],
            ),
            (
                Unit::Bytes,
                0.0,
                157_286_400.0,
                4,
                vec!["0 MiB", "50 MiB", "100 MiB", "150 MiB"],
            ),
            (Unit::Ratio, 0.0, 0.34, 3, vec!["0%", "20%", "40%"]),
            (
                Unit::PerSecond,
                0.0,
                7.9,
                6,
                vec!["0/s", "2/s", "4/s", "6/s", "8/s"],
            ),
        ] {
            let axis = Axis::over(unit, low, high, most);
            let texts: Vec<&str> = axis.ticks.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(texts, labels, "{unit:?} {low} {high}");
            assert!(axis.low <= low && axis.high >= high, "{axis:?}");
        }
    }

    #[test]
    fn any_numbers_have_an_axis() {
        for (low, high) in [
            (f64::MIN, f64::MAX),
            (0.0, f64::MIN_POSITIVE),
            (1e300, 1e300),
            (5.0, 5.0),
        ] {
            for unit in [Unit::Plain, Unit::Seconds, Unit::Ratio] {
                let axis = Axis::over(unit, low, high, 6);
                assert!((2..=6).contains(&axis.ticks.len()), "{axis:?}");
            }
        }
    }
}
