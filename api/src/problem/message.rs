//! What a problem says about its occurrence, in both languages.

use super::{Check, Language};

/// The `detail` of a problem or of one of its errors. Texts from checks are
/// English; the Chinese sentence around them says what they are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// The explanation of the kind says all there is.
    None,
    /// The reason a parser or check gave.
    Reason(String),
    /// What a check of a document found; boxed, as every result carries the
    /// size of its error.
    Check(Box<Check>),
    Parameter {
        name: &'static str,
        reason: String,
    },
    RangeOrder,
    Body(String),
    ContentType {
        expected: &'static str,
    },
    Cursor,
    NoSuchThing(String),
    NoSuchDatastream(String),
    NoSuchQuarantine(u64),
    NoSuchIndex(String),
    NoSuchTownship(String),
    NoScore,
    NoExplanation,
    NoSuchDocument(String),
    NoSuchAlert(String),
    NoSuchUser(String),
    NoSuchWebhook(String),
    NoCredential(String),
    NoRoute,
    LoginRequired,
    LoginFailed,
    TokenInvalid,
    SecretInvalid,
    RoleForbids,
    ForeignThing(String),
    OriginForeign,
    LoginThrottled {
        minutes: u64,
    },
    Throttled,
    ThingExists(String),
    UserExists(String),
    KindFixed(String),
    Redriven(u64),
    Stale {
        expected: String,
        found: String,
    },
    IfMatchMissing,
    NoneAccepted {
        n: usize,
    },
    ThingInvalid {
        n: usize,
    },
    DocumentExists(String),
    DocumentInvalid {
        n: usize,
    },
    DocumentChanged,
    AlertClosed(String),
    StoreUnavailable,
    DiskFull,
    NotStoredInTime,
    ShuttingDown,
    Busy,
    StreamsFull {
        max: usize,
    },
    ExportsFull {
        max: usize,
    },
    /// Reading took longer than an answer may.
    QueryTooLong {
        seconds: u64,
    },
    ScoresPending,
    SituationNotKept,
    Internal,
    PasswordShort {
        min: usize,
    },
    PasswordLong {
        max: usize,
    },
}

impl Message {
    pub(crate) fn text(&self, language: Language) -> String {
        match language {
            Language::Zh => self.zh(),
            Language::En => self.en(),
        }
    }

    fn zh(&self) -> String {
        match self {
            Message::None => String::new(),
            Message::Reason(reason) => reason.clone(),
            Message::Check(check) => check.text(Language::Zh),
            Message::Parameter { name, reason } => format!("参数 `{name}` 不正确:{reason}"),
            Message::RangeOrder => "`stop` 必须晚于 `start`。".to_owned(),
            Message::Body(reason) => format!("请求体不正确:{reason}"),
            Message::ContentType { expected } => format!("Content-Type 应为 {expected}。"),
            Message::Cursor => "游标与此次查询的条件不符,请从第一页重新开始。".to_owned(),
            Message::NoSuchThing(id) => format!("物体 `{id}` 不存在。"),
            Message::NoSuchDatastream(id) => format!("数据流 `{id}` 不存在。"),
            Message::NoSuchQuarantine(id) => format!("隔离区没有编号 {id} 的条目。"),
            Message::NoSuchIndex(id) => format!("指数 `{id}` 不存在。"),
            Message::NoSuchTownship(code) => format!("没有乡镇 `{code}`。"),
            Message::NoScore => "此时刻及以前没有算出过评分。".to_owned(),
            Message::NoExplanation => "全县评分由各乡镇评分得出,没有自己的解释树。".to_owned(),
            Message::NoSuchDocument(id) => format!("文书 `{id}` 不存在。"),
            Message::NoSuchAlert(id) => format!("告警 `{id}` 不存在。"),
            Message::NoSuchUser(name) => format!("用户 `{name}` 不存在。"),
            Message::NoSuchWebhook(name) => format!("没有推送对象 `{name}`。"),
            Message::NoCredential(id) => format!("物体 `{id}` 没有凭证。"),
            Message::NoRoute => "此地址没有资源。".to_owned(),
            Message::LoginRequired => "请先登录,或使用令牌。".to_owned(),
            Message::LoginFailed => "用户名或密码不正确。".to_owned(),
            Message::TokenInvalid => "令牌无效或已停用。".to_owned(),
            Message::SecretInvalid => "设备编号或密钥不正确。".to_owned(),
            Message::RoleForbids => "当前身份不允许此操作。".to_owned(),
            Message::ForeignThing(id) => format!("此凭证不能为 `{id}` 发送数据。"),
            Message::OriginForeign => {
                "请求不是从本系统页面发出的(Origin 不符);脚本请使用令牌。".to_owned()
            }
            Message::LoginThrottled { minutes } => {
                format!("尝试次数过多,请 {minutes} 分钟后再试。")
            }
            Message::Throttled => "请求过于频繁,请稍后再试。".to_owned(),
            Message::ThingExists(id) => format!("物体 `{id}` 已存在。"),
            Message::UserExists(name) => format!("用户 `{name}` 已存在。"),
            Message::KindFixed(reason) => format!("物体的种类不能改变:{reason}"),
            Message::Redriven(id) => format!("条目 {id} 已经重新处理过。"),
            Message::Stale { expected, found } => {
                format!("If-Match 为 {expected},当前版本为 {found}。")
            }
            Message::IfMatchMissing => "修改须带 If-Match;新建须带 If-None-Match: *。".to_owned(),
            Message::NoneAccepted { n } => {
                format!("没有可接受的读数({n} 处问题);原始数据已存入隔离区。")
            }
            Message::ThingInvalid { n } => format!("物体登记有 {n} 处问题。"),
            Message::DocumentExists(id) => format!("文书 `{id}` 已存在;更改请用 PUT。"),
            Message::DocumentInvalid { n } => format!("文书有 {n} 处问题,未保存。"),
            Message::DocumentChanged => "此文书刚被他人更改,请重新读取。".to_owned(),
            Message::AlertClosed(id) => format!("告警 `{id}` 已关闭。"),
            Message::StoreUnavailable => "数据存储暂时不能响应,请稍后再试。".to_owned(),
            Message::DiskFull => "磁盘已满,暂时不能存储。".to_owned(),
            Message::NotStoredInTime => {
                "数据未能及时入库;请重发,重复的读数不会重复入库。".to_owned()
            }
            Message::ShuttingDown => "系统正在停止。".to_owned(),
            Message::Busy => "同时处理的请求过多,请稍后再试。".to_owned(),
            Message::StreamsFull { max } => format!("实时连接已达上限 {max} 个。"),
            Message::ExportsFull { max } => format!("同时进行的导出已达上限 {max} 个,请稍后再试。"),
            Message::QueryTooLong { seconds } => format!(
                "查询超过 {seconds} 秒未完成;请缩短 `start` 至 `stop` 的范围、减少数据流,\
                 或用 /exports 导出。"
            ),
            Message::ScoresPending => "尚未算出第一次评分,请一分钟后再试。".to_owned(),
            Message::SituationNotKept => {
                "此时刻的态势没有保存:只保存最近一小时,且重启后重新开始。".to_owned()
            }
            Message::Internal => "出现内部错误,原因已记入日志。".to_owned(),
            Message::PasswordShort { min } => format!("密码至少 {min} 个字符。"),
            Message::PasswordLong { max } => format!("密码至多 {max} 字节。"),
        }
    }

    fn en(&self) -> String {
        match self {
            Message::None => String::new(),
            Message::Reason(reason) => reason.clone(),
            Message::Check(check) => check.text(Language::En),
            Message::Parameter { name, reason } => format!("parameter `{name}`: {reason}"),
            Message::RangeOrder => "`stop` must be later than `start`".to_owned(),
            Message::Body(reason) => format!("the body is not valid: {reason}"),
            Message::ContentType { expected } => format!("the content type must be {expected}"),
            Message::Cursor => {
                "the cursor belongs to another query; start from the first page".to_owned()
            }
            Message::NoSuchThing(id) => format!("thing `{id}` does not exist"),
            Message::NoSuchDatastream(id) => format!("datastream `{id}` does not exist"),
            Message::NoSuchQuarantine(id) => format!("quarantine has no entry {id}"),
            Message::NoSuchIndex(id) => format!("index `{id}` does not exist"),
            Message::NoSuchTownship(code) => format!("township `{code}` does not exist"),
            Message::NoScore => "no score was computed at or before that instant".to_owned(),
            Message::NoExplanation => {
                "the county's score comes from the townships' and has no tree of its own".to_owned()
            }
            Message::NoSuchDocument(id) => format!("document `{id}` does not exist"),
            Message::NoSuchAlert(id) => format!("alert `{id}` does not exist"),
            Message::NoSuchUser(name) => format!("user `{name}` does not exist"),
            Message::NoSuchWebhook(name) => format!("webhook `{name}` is not configured"),
            Message::NoCredential(id) => format!("thing `{id}` has no credential"),
            Message::NoRoute => "there is nothing at this address".to_owned(),
            Message::LoginRequired => "log in first, or send a token".to_owned(),
            Message::LoginFailed => "name or password is wrong".to_owned(),
            Message::TokenInvalid => "the token is not valid, or no longer".to_owned(),
            Message::SecretInvalid => "thing or secret is wrong".to_owned(),
            Message::RoleForbids => "this identity is not allowed to do that".to_owned(),
            Message::ForeignThing(id) => format!("this credential may not send for `{id}`"),
            Message::OriginForeign => {
                "the request does not come from our own page (Origin); scripts use a token"
                    .to_owned()
            }
            Message::LoginThrottled { minutes } => {
                format!("too many attempts; try again in {minutes} minutes")
            }
            Message::Throttled => "too many requests; try again later".to_owned(),
            Message::ThingExists(id) => format!("thing `{id}` exists already"),
            Message::UserExists(name) => format!("user `{name}` exists already"),
            Message::KindFixed(reason) => reason.clone(),
            Message::Redriven(id) => format!("entry {id} has been re-driven already"),
            Message::Stale { expected, found } => {
                format!("If-Match is {expected}, the present revision is {found}")
            }
            Message::IfMatchMissing => {
                "a change needs If-Match; a creation needs If-None-Match: *".to_owned()
            }
            Message::NoneAccepted { n } => format!(
                "no reading could be accepted ({n} problems); the bytes are kept in quarantine"
            ),
            Message::ThingInvalid { n } => format!("the thing has {n} problems"),
            Message::DocumentExists(id) => {
                format!("document `{id}` exists already; change it with PUT")
            }
            Message::DocumentInvalid { n } => {
                format!("the document has {n} problems and was not stored")
            }
            Message::DocumentChanged => {
                "someone else has just changed the document; read it again".to_owned()
            }
            Message::AlertClosed(id) => format!("alert `{id}` is closed"),
            Message::StoreUnavailable => "the data store cannot answer now, try again".to_owned(),
            Message::DiskFull => "the disk is full, nothing can be stored now".to_owned(),
            Message::NotStoredInTime => {
                "not stored in time; send again, a reading sent twice is stored once".to_owned()
            }
            Message::ShuttingDown => "the system is shutting down".to_owned(),
            Message::Busy => "too many requests at the same time, try again".to_owned(),
            Message::StreamsFull { max } => format!("all {max} live connections are taken"),
            Message::ExportsFull { max } => {
                format!("all {max} exports at a time are taken; try again later")
            }
            Message::QueryTooLong { seconds } => format!(
                "the query was not done within {seconds} s; narrow `start` to `stop`, ask for \
                 fewer datastreams, or use /exports"
            ),
            Message::ScoresPending => {
                "no score has been computed yet; try again in a minute".to_owned()
            }
            Message::SituationNotKept => {
                "the situation of that instant is not kept: only the last hour is, and since \
                 the last start"
                    .to_owned()
            }
            Message::Internal => "an internal error; its cause is in the log".to_owned(),
            Message::PasswordShort { min } => format!("a password has at least {min} characters"),
            Message::PasswordLong { max } => format!("a password has at most {max} bytes"),
        }
    }
}
