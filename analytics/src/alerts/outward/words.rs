//! What a message says to people, Chinese and English.

use model::{Level, LocalizedName};

use crate::record::AlertRecord;

type Both = [&'static str; 2];

pub(super) const LATE: Both = ["迟到", "late"];
pub(super) const PAST: Both = ["已过待核", "past, to be checked"];
pub(super) const UNVERIFIED: Both = ["未证实", "unverified"];
pub(super) const NO_DATA: Both = ["数据中断", "no data"];
pub(super) const MAINTENANCE: Both = ["检修中", "in maintenance"];
const EXERCISE: Both = ["演练", "exercise"];

pub(super) fn level(level: Level) -> Both {
    match level {
        Level::None => ["无", "none"],
        Level::Blue => ["蓝色", "blue"],
        Level::Yellow => ["黄色", "yellow"],
        Level::Orange => ["橙色", "orange"],
        Level::Red => ["红色", "red"],
    }
}

fn happened(transition: &str) -> Both {
    match transition {
        "raised" | "raised_past" => ["报警", "alarm"],
        "confirmed" => ["报警已证实", "alarm confirmed"],
        "worsened" => ["加重", "worse"],
        "improved" => ["减轻", "better"],
        "escalated" => ["无人确认,升级", "nobody acknowledged, escalated"],
        "data_missing" => ["数据中断,报警保留", "no data, the alarm stays"],
        "resolved" => ["解除", "resolved"],
        "closed_by_operator" => ["人工关闭", "closed by an operator"],
        _ => ["仍未解除", "still open"],
    }
}

/// Sampled once only; the next samples confirm or end it.
pub(super) fn is_unverified(alert: &AlertRecord) -> bool {
    alert.closed.is_none() && alert.confirmed_level < alert.level
}

/// A value with its unit, without digits that nobody measured. UCUM's "1" is
/// the unit of what has none.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    let unit = if unit == "1" { "" } else { unit };
    let digits = format!("{value:.3}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    let digits = if digits == "-0" { "0" } else { digits };
    format!("{digits} {unit}").trim_end().to_owned()
}

/// 【橙色】石浦镇 石浦水文站 潮位 3.42 m(限值 3.2 m):加重。迟到
pub(super) fn summary(
    alert: &AlertRecord,
    names: &[LocalizedName],
    is_exercise: bool,
) -> [String; 2] {
    let shown = if alert.closed.is_some() { alert.level_highest } else { alert.level };
    let colour = level(shown);
    let what = happened(&alert.transition);
    let value = alert.value.map(|value| quantity(value, &alert.unit));
    let limit = alert.limit.map(|limit| quantity(limit, &alert.unit));
    let marks: Vec<Both> = [
        (is_exercise, EXERCISE),
        (alert.is_late, LATE),
        (alert.needs_person, PAST),
        (is_unverified(alert), UNVERIFIED),
        (alert.data_missing && alert.transition != "data_missing", NO_DATA),
        (alert.in_maintenance, MAINTENANCE),
    ]
    .into_iter()
    .filter_map(|(is_set, mark)| is_set.then_some(mark))
    .collect();

    let mut zh = format!("【{}】", colour[0]);
    let mut en = format!("[{}]", colour[1]);
    for name in names {
        zh.push_str(&name.zh);
        zh.push(' ');
        en.push(' ');
        en.push_str(&name.en);
    }
    if let Some(value) = value {
        zh.push_str(&value);
        en.push_str(&format!(" {value}"));
    }
    if let Some(limit) = limit {
        zh.push_str(&format!("(限值 {limit})"));
        en.push_str(&format!(" (limit {limit})"));
    }
    let zh = format!("{}:{}", zh.trim_end(), what[0]);
    let en = format!("{en}: {}", what[1]);
    if marks.is_empty() {
        return [zh, en];
    }
    let join = |language: usize, comma: &str| {
        marks.iter().map(|mark| mark[language]).collect::<Vec<_>>().join(comma)
    };
    [format!("{zh}【{}】", join(0, "、")), format!("{en} [{}]", join(1, ", "))]
}
