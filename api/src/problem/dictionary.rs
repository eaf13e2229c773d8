//! Every sentence a client may read, in both languages.
//!
//! Adding a kind or a message without one of its languages does not compile.

use axum::http::StatusCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    #[default]
    Zh,
    En,
}

impl Language {
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Language::Zh => "zh-CN",
            Language::En => "en",
        }
    }

    pub(crate) fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Language::Zh => zh,
            Language::En => en,
        }
    }
}

/// The kinds of problems. Each has a stable `type` and an explanation page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    BadRequest,
    CursorInvalid,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    Conflict,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    Validation,
    PreconditionRequired,
    TooManyRequests,
    Internal,
    Unavailable,
}

/// What does not vary between occurrences of a kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) slug: &'static str,
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title_zh: &'static str,
    pub(crate) title_en: &'static str,
    pub(crate) help_zh: &'static str,
    pub(crate) help_en: &'static str,
}

impl Kind {
    pub(crate) const ALL: [Kind; 17] = [
        Kind::BadRequest,
        Kind::CursorInvalid,
        Kind::Unauthenticated,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::MethodNotAllowed,
        Kind::NotAcceptable,
        Kind::RequestTimeout,
        Kind::Conflict,
        Kind::PreconditionFailed,
        Kind::TooLarge,
        Kind::UnsupportedMediaType,
        Kind::Validation,
        Kind::PreconditionRequired,
        Kind::TooManyRequests,
        Kind::Internal,
        Kind::Unavailable,
    ];

    /// The kind of a status that the framework answered by itself.
    pub(crate) fn of_status(status: StatusCode) -> Kind {
        let found = Kind::ALL
            .into_iter()
            .find(|kind| *kind != Kind::CursorInvalid && kind.entry().status == status);
        match found {
            Some(kind) => kind,
            None if status.is_server_error() => Kind::Internal,
            None => Kind::BadRequest,
        }
    }

    pub(crate) fn entry(self) -> Entry {
        match self {
            Kind::BadRequest => Entry {
                slug: "bad-request",
                code: "bad_request",
                status: StatusCode::BAD_REQUEST,
                title_zh: "请求格式不正确",
                title_en: "Malformed request",
                help_zh: "请求的语法有误:检查参数名、时间写法和 JSON 语法。未知的查询参数也会被拒绝。",
                help_en: "The request's syntax is wrong: check parameter names, times and the JSON \
                          syntax. Unknown query parameters are refused too.",
            },
            Kind::CursorInvalid => Entry {
                slug: "cursor-invalid",
                code: "cursor_invalid",
                status: StatusCode::BAD_REQUEST,
                title_zh: "游标无效",
                title_en: "Cursor not valid here",
                help_zh: "游标只能与得到它时相同的筛选条件一起使用。请去掉游标,从第一页重新开始。",
                help_en: "A cursor is valid only with the filters it was made for. Leave it out \
                          and start from the first page.",
            },
            Kind::Unauthenticated => Entry {
                slug: "unauthenticated",
                code: "unauthenticated",
                status: StatusCode::UNAUTHORIZED,
                title_zh: "需要登录",
                title_en: "Not logged in",
                help_zh: "用 POST /api/v1/session 登录,或带上有效的令牌(Authorization: Bearer …)。",
                help_en: "Log in by POST /api/v1/session, or send a valid token \
                          (Authorization: Bearer …).",
            },
            Kind::Forbidden => Entry {
                slug: "forbidden",
                code: "forbidden",
                status: StatusCode::FORBIDDEN,
                title_zh: "没有权限",
                title_en: "Not allowed",
                help_zh: "当前账号的角色不允许此操作。请联系管理员。",
                help_en: "The role of this account does not allow the action. Ask an administrator.",
            },
            Kind::NotFound => Entry {
                slug: "not-found",
                code: "not_found",
                status: StatusCode::NOT_FOUND,
                title_zh: "不存在",
                title_en: "Not found",
                help_zh: "此地址没有资源。标识中的 / 要写成 %2F。",
                help_en: "There is no such resource. A / inside an id is written %2F.",
            },
            Kind::MethodNotAllowed => Entry {
                slug: "method-not-allowed",
                code: "method_not_allowed",
                status: StatusCode::METHOD_NOT_ALLOWED,
                title_zh: "不支持此方法",
                title_en: "Method not allowed",
                help_zh: "响应头 Allow 列出此资源支持的方法。",
                help_en: "The header Allow of the answer lists the methods of this resource.",
            },
            Kind::NotAcceptable => Entry {
                slug: "not-acceptable",
                code: "not_acceptable",
                status: StatusCode::NOT_ACCEPTABLE,
                title_zh: "没有所要的格式",
                title_en: "No such representation",
                help_zh: "请求头 Accept 中没有此资源可以提供的格式。",
                help_en: "The header Accept names no format in which this resource is offered.",
            },
            Kind::RequestTimeout => Entry {
                slug: "request-timeout",
                code: "request_timeout",
                status: StatusCode::REQUEST_TIMEOUT,
                title_zh: "请求超时",
                title_en: "Request took too long",
                help_zh: "请求体没有在规定时间内到达,请重试。",
                help_en: "The body of the request did not arrive in time. Send it again.",
            },
            Kind::Conflict => Entry {
                slug: "conflict",
                code: "conflict",
                status: StatusCode::CONFLICT,
                title_zh: "与现有状态冲突",
                title_en: "Conflict with the present state",
                help_zh: "请先读取资源的现状,再决定如何修改。",
                help_en: "Read the present state of the resource, then decide what to change.",
            },
            Kind::PreconditionFailed => Entry {
                slug: "precondition-failed",
                code: "precondition_failed",
                status: StatusCode::PRECONDITION_FAILED,
                title_zh: "资源已被他人修改",
                title_en: "Changed by someone else",
                help_zh: "If-Match 中的版本不是当前版本:重新读取后再修改。",
                help_en: "If-Match names a revision that is not the present one: read again, then \
                          change.",
            },
            Kind::TooLarge => Entry {
                slug: "too-large",
                code: "too_large",
                status: StatusCode::PAYLOAD_TOO_LARGE,
                title_zh: "请求体过大",
                title_en: "Body too large",
                help_zh: "请求体上限为 256 KiB,批量导入为 8 MiB。请分批发送。",
                help_en: "A body has at most 256 KiB, an import 8 MiB. Send it in pieces.",
            },
            Kind::UnsupportedMediaType => Entry {
                slug: "unsupported-media-type",
                code: "unsupported_media_type",
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                title_zh: "不支持的内容类型",
                title_en: "Media type not supported",
                help_zh: "请按接口文档设置 Content-Type。",
                help_en: "Set Content-Type as the documentation of the operation says.",
            },
            Kind::Validation => Entry {
                slug: "validation",
                code: "validation",
                status: StatusCode::UNPROCESSABLE_ENTITY,
                title_zh: "数据校验未通过",
                title_en: "Data failed validation",
                help_zh: "语法正确,但内容不可接受;errors 逐条说明位置和原因。",
                help_en: "The syntax is right, the content is not acceptable; errors says where \
                          and why.",
            },
            Kind::PreconditionRequired => Entry {
                slug: "precondition-required",
                code: "precondition_required",
                status: StatusCode::PRECONDITION_REQUIRED,
                title_zh: "缺少 If-Match",
                title_en: "If-Match is missing",
                help_zh: "修改前先读取资源,把响应头 ETag 的值放入 If-Match;新建用 If-None-Match: *。",
                help_en: "Read the resource first and send its ETag as If-Match; to create, send \
                          If-None-Match: *.",
            },
            Kind::TooManyRequests => Entry {
                slug: "too-many-requests",
                code: "too_many_requests",
                status: StatusCode::TOO_MANY_REQUESTS,
                title_zh: "请求过于频繁",
                title_en: "Too many requests",
                help_zh: "请按 Retry-After 的秒数等待后重试。",
                help_en: "Wait for the seconds of Retry-After, then try again.",
            },
            Kind::Internal => Entry {
                slug: "internal",
                code: "internal",
                status: StatusCode::INTERNAL_SERVER_ERROR,
                title_zh: "服务器内部错误",
                title_en: "Internal error",
                help_zh: "请把 trace_id 告诉管理员,日志中有原因。",
                help_en: "Tell an administrator the trace_id: the log has the cause.",
            },
            Kind::Unavailable => Entry {
                slug: "unavailable",
                code: "unavailable",
                status: StatusCode::SERVICE_UNAVAILABLE,
                title_zh: "暂时不可用",
                title_en: "Not available now",
                help_zh: "请按 Retry-After 的秒数等待后重试;重复发送同一读数不会重复入库。",
                help_en: "Wait for the seconds of Retry-After, then try again; a reading sent \
                          twice is stored once.",
            },
        }
    }
}
