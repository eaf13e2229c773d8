//! What is wrong with one member of a document, in both languages.
//!
//! Adding a check without one of its languages does not compile.

use super::Language;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    Missing,
    TooLong {
        max: usize,
    },
    TooMany {
        found: usize,
        max: usize,
    },
    /// The text does not fit its grammar; the reason is English.
    Form(String),
    UnknownWord {
        found: String,
        known: &'static str,
    },
    LevelNone,
    AreaForm,
    NoTownship(String),
    Twice(String),
    EndNotAfterBegin,
    IssuedAhead {
        minutes: u64,
    },
    BeforeIssued,
    OutOfRange {
        found: String,
        min: String,
        max: String,
    },
    NotANumber(String),
    OffGlobe {
        longitude: String,
        latitude: String,
    },
    TimeBackwards,
    ObservedAfterIssue,
    ForecastNotAfterObserved,
    BandNotUpwards,
    BandGap {
        from: String,
        to: String,
    },
    BandOverlap {
        from: String,
        to: String,
    },
    SecondMissing,
    SecondIsFirst,
    NoSuchUser(String),
    UntilPast,
    UntilTooLate {
        hours: u64,
    },
    SilenceAll,
    NotRegistered(String),
    FactorDiffers,
    StormRefused,
}

impl Check {
    pub(crate) fn text(&self, language: Language) -> String {
        match language {
            Language::Zh => self.zh(),
            Language::En => self.en(),
        }
    }

    fn zh(&self) -> String {
        match self {
            Check::Missing => "必填。".to_owned(),
            Check::TooLong { max } => format!("至多 {max} 个字符。"),
            Check::TooMany { found, max } => format!("有 {found} 项,至多 {max} 项。"),
            Check::Form(reason) => format!("格式不符:{reason}"),
            Check::UnknownWord { found, known } => format!("`{found}` 不在可选项中:{known}。"),
            Check::LevelNone => "须为蓝、黄、橙、红之一(blue、yellow、orange、red)。".to_owned(),
            Check::AreaForm => "须为 \"county\"(全县),或 {\"townships\":[乡镇代码…]}。".to_owned(),
            Check::NoTownship(code) => format!("{code} 不是本县乡镇代码。"),
            Check::Twice(what) => format!("`{what}` 重复。"),
            Check::EndNotAfterBegin => "结束时间须晚于开始时间。".to_owned(),
            Check::IssuedAhead { minutes } => {
                format!("发布时间比现在晚 {minutes} 分钟以上,请核对时间和时区。")
            }
            Check::BeforeIssued => "不得早于发布时间。".to_owned(),
            Check::OutOfRange { found, min, max } => format!("{found} 不在 {min} 至 {max} 之间。"),
            Check::NotANumber(found) => format!("`{found}` 不是有限的数。"),
            Check::OffGlobe { longitude, latitude } => {
                format!("经度 {longitude}、纬度 {latitude} 不在地球上;顺序为经度在前。")
            }
            Check::TimeBackwards => "时间须晚于上一条。".to_owned(),
            Check::ObservedAfterIssue => "实况时间不得晚于发布时间。".to_owned(),
            Check::ForecastNotAfterObserved => "预报时间须晚于最后一条实况。".to_owned(),
            Check::BandNotUpwards => "`lat_max` 须大于 `lat_min`。".to_owned(),
            Check::BandGap { from, to } => format!("与上一纬度带之间缺 {from} 至 {to} 度。"),
            Check::BandOverlap { from, to } => format!("与上一纬度带重叠:{from} 至 {to} 度。"),
            Check::SecondMissing => {
                "所在乡镇危险等级为橙或红,须由另一人复核(`second` 填其用户名)。".to_owned()
            }
            Check::SecondIsFirst => "复核人不能是操作人本人。".to_owned(),
            Check::NoSuchUser(name) => format!("没有在用的用户 `{name}`。"),
            Check::UntilPast => "须晚于现在。".to_owned(),
            Check::UntilTooLate { hours } => format!("至多在 {hours} 小时之后。"),
            Check::SilenceAll => "至少填写 `thing`、`township`、`property` 之一。".to_owned(),
            Check::NotRegistered(what) => format!("`{what}` 没有登记。"),
            Check::FactorDiffers => "`intensity_factor` 与同一台风前面的行不同。".to_owned(),
            Check::StormRefused => "同一台风的其他行有误,此台风未导入。".to_owned(),
        }
    }

    fn en(&self) -> String {
        match self {
            Check::Missing => "is missing".to_owned(),
            Check::TooLong { max } => format!("has more than {max} characters"),
            Check::TooMany { found, max } => format!("has {found} entries, at most {max} fit"),
            Check::Form(reason) => reason.clone(),
            Check::UnknownWord { found, known } => format!("`{found}` is none of {known}"),
            Check::LevelNone => "must be one of blue, yellow, orange, red".to_owned(),
            Check::AreaForm => {
                "must be \"county\" or {\"townships\":[codes of townships]}".to_owned()
            }
            Check::NoTownship(code) => format!("{code} is no township here"),
            Check::Twice(what) => format!("`{what}` is there twice"),
            Check::EndNotAfterBegin => "must be later than the begin".to_owned(),
            Check::IssuedAhead { minutes } => {
                format!("is more than {minutes} minutes ahead of now; check time and offset")
            }
            Check::BeforeIssued => "must not be before the issue".to_owned(),
            Check::OutOfRange { found, min, max } => {
                format!("{found} is not within {min} and {max}")
            }
            Check::NotANumber(found) => format!("`{found}` is not a finite number"),
            Check::OffGlobe { longitude, latitude } => {
                format!(
                    "longitude {longitude}, latitude {latitude} is no position on the globe; \
                     longitude comes first"
                )
            }
            Check::TimeBackwards => "must be later than the row before".to_owned(),
            Check::ObservedAfterIssue => "an observed time is not after the issue".to_owned(),
            Check::ForecastNotAfterObserved => {
                "a forecast is later than the last observed row".to_owned()
            }
            Check::BandNotUpwards => "`lat_max` must be above `lat_min`".to_owned(),
            Check::BandGap { from, to } => {
                format!("leaves a gap from {from} to {to} degrees after the band before")
            }
            Check::BandOverlap { from, to } => {
                format!("overlaps the band before from {from} to {to} degrees")
            }
            Check::SecondMissing => {
                "the township's hazard level is orange or red: name a second person who agrees"
                    .to_owned()
            }
            Check::SecondIsFirst => "must be another person than the one who acts".to_owned(),
            Check::NoSuchUser(name) => format!("there is no active account `{name}`"),
            Check::UntilPast => "must be later than now".to_owned(),
            Check::UntilTooLate { hours } => format!("is more than {hours} h ahead"),
            Check::SilenceAll => "give at least one of thing, township, property".to_owned(),
            Check::NotRegistered(what) => format!("`{what}` is not registered"),
            Check::FactorDiffers => "differs from the rows of this storm before".to_owned(),
            Check::StormRefused => {
                "another row of this storm is wrong, so the storm was not imported".to_owned()
            }
        }
    }
}
